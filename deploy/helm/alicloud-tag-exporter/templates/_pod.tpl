{{- define "pod" -}}
metadata:
  labels:
    {{- include "labels" . | nindent 4 }}
  annotations:
    # Restarts the pods when the configuration changes.
    checksum/config: {{ .Values.config | sha256sum }}
    {{- with .Values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "name" . }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: 15
  securityContext:
    runAsNonRoot: true
    runAsUser: 65532
    runAsGroup: 65532
    fsGroup: 65532
    seccompProfile:
      type: RuntimeDefault
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if gt (int .Values.shards) 1 }}
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "selector" . | nindent 10 }}
  {{- end }}
  containers:
    - name: exporter
      image: {{ include "image" . }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      args: [--config.file=/etc/alicloud-tag-exporter/config.toml]
      {{- with include "environment" . | trim }}
      env:
        {{- . | nindent 8 }}
      {{- end }}
      ports:
        - name: http
          containerPort: 10042
      startupProbe:
        httpGet:
          path: /healthz
          port: http
        periodSeconds: 1
        failureThreshold: 60
      livenessProbe:
        httpGet:
          path: /healthz
          port: http
        periodSeconds: 10
        timeoutSeconds: 5
      # Ready once every target was collected or failed.
      readinessProbe:
        httpGet:
          path: /readyz
          port: http
        periodSeconds: 5
        timeoutSeconds: 5
      resources:
        {{- toYaml .Values.resources | nindent 8 }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities:
          drop: [ALL]
      volumeMounts:
        - name: config
          mountPath: /etc/alicloud-tag-exporter
          readOnly: true
        {{- if .Values.state.enabled }}
        - name: state
          mountPath: /state
        {{- end }}
        {{- if eq .Values.credentials.from "rrsa" }}
        - name: rrsa-token
          mountPath: /var/run/secrets/ack.alibabacloud.com/rrsa-tokens
          readOnly: true
        {{- end }}
  volumes:
    - name: config
      configMap:
        name: {{ include "name" . }}
    {{- if and .Values.state.enabled (eq (int .Values.shards) 1) }}
    - name: state
      persistentVolumeClaim:
        claimName: {{ include "name" . }}
    {{- end }}
    {{- if eq .Values.credentials.from "rrsa" }}
    # Not valid for the Kubernetes API: the audience is the token service of the cloud.
    - name: rrsa-token
      projected:
        sources:
          - serviceAccountToken:
              audience: sts.aliyuncs.com
              expirationSeconds: 3600
              path: token
    {{- end }}
{{- end -}}

{{- define "environment" -}}
{{- if eq .Values.credentials.from "secret" }}
- name: ALIBABA_CLOUD_ACCESS_KEY_ID
  valueFrom:
    secretKeyRef:
      name: {{ include "secret" . }}
      key: access-key-id
- name: ALIBABA_CLOUD_ACCESS_KEY_SECRET
  valueFrom:
    secretKeyRef:
      name: {{ include "secret" . }}
      key: access-key-secret
{{- else if eq .Values.credentials.from "rrsa" }}
- name: ALIBABA_CLOUD_ROLE_ARN
  value: {{ .Values.credentials.rrsa.roleArn | quote }}
- name: ALIBABA_CLOUD_OIDC_PROVIDER_ARN
  value: {{ .Values.credentials.rrsa.oidcProviderArn | quote }}
- name: ALIBABA_CLOUD_OIDC_TOKEN_FILE
  value: /var/run/secrets/ack.alibabacloud.com/rrsa-tokens/token
{{- end }}
{{- if gt (int .Values.shards) 1 }}
# The ordinal is parsed from the pod name.
- name: TAG_EXPORTER__SHARD__ORDINAL
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
- name: TAG_EXPORTER__SHARD__TOTAL
  value: {{ .Values.shards | quote }}
{{- end }}
{{- if .Values.state.enabled }}
- name: TAG_EXPORTER__STATE__PATH
  value: /state/state.db
{{- end }}
{{- end -}}
