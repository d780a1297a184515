// The type of a dashboard as it is written in JSON. The dashboard follows where the test puts it.
import type { Dashboard } from "@grafana/schema";

/** JSON has the text of an enumeration's member, not the member. */
type Written<T> = T extends string ? `${T}` : T extends object ? { [K in keyof T]: Written<T[K]> } : T;

export const dashboard: Written<Dashboard> =
