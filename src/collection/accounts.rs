//! Background work for an account: keeping its credentials fresh, and looking up its id.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::sleep;

use super::assembly::AccountParts;
use crate::publication::publisher::Event;

/// Pause after a failed lookup of an account's id.
const BETWEEN_QUESTIONS: Duration = Duration::from_secs(600);

/// Keeps the account's credentials fresh, and looks up its id once.
pub(super) async fn look_after(account: Arc<AccountParts>, events: mpsc::Sender<Event>) {
    tokio::join!(account.provider.keep_fresh(), identify(&account, &events));
}

async fn identify(account: &AccountParts, events: &mpsc::Sender<Event>) {
    let name = &*account.name;
    let id = loop {
        match account.provider.account_id().await {
            Ok(id) => break id,
            Err(error) => tracing::debug!(account = name, "cannot look up the account id: {error}"),
        }
        sleep(BETWEEN_QUESTIONS).await;
    };
    account.instruments.is_account(&id);
    // The send fails only during shutdown.
    let _ = events.send(Event::AccountId { account: Arc::clone(&account.name), id: Some(id.into()) }).await;
}
