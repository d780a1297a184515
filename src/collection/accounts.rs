//! What is done for an account beside listing its targets.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::sleep;

use super::assembly::AccountParts;
use crate::publication::publisher::Event;

/// After the cloud's id of an account could not be learnt.
const BETWEEN_QUESTIONS: Duration = Duration::from_secs(600);

/// Keeps the account's credentials fresh, and asks once for the cloud's id of it.
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
    // The publisher ends with the process.
    let _ = events.send(Event::AccountId { account: Arc::clone(&account.name), id: Some(id.into()) }).await;
}
