//! What must be so before a listing says anything: the service is ready, and the caller may see what there is.

use std::borrow::Cow;

use serde_json_borrow::Value;

use super::decode::at;
use super::{Error, Lister};
use crate::cloud::catalog::StatusCall;

impl Lister {
    pub(super) async fn ready(&self) -> Result<(), Error> {
        let Some(ready) = &self.product.ready else { return Ok(()) };
        let parameters = self.parameters([&ready.parameters], None);
        let decode = |answer: &Value<'_>| Ok(unmet(ready, answer));
        match self.client.call(&ready.action, parameters, decode).await? {
            None => Ok(()),
            Some(problem) => {
                let (action, region) = (ready.action.clone(), self.client.region.clone());
                Err(Error::NotReady { action, region, problem })
            }
        }
    }

    /// Whether an empty listing means that there is nothing: some operations also answer so without the permission.
    pub(super) async fn may_see(&self) -> Result<(), Error> {
        let listing = &self.product.resources;
        let Some(probe) = &listing.permission_probe else { return Ok(()) };
        let parameters = self.parameters([&listing.parameters, &probe.parameters], None);
        match self.client.call(&listing.action, parameters, |_| Ok(())).await {
            Err(error) if error.code() == probe.granted => Ok(()),
            Err(error) => Err(error.into()),
            Ok(()) => {
                let problem = format!("the permission probe was not answered with {}", probe.granted);
                Err(self.inconsistent(&listing.action, problem))
            }
        }
    }
}

/// The first value that is not as it must be.
fn unmet(ready: &StatusCall, answer: &Value<'_>) -> Option<String> {
    ready.expect.iter().find_map(|(path, expected)| {
        let value = match at(answer, path) {
            Some(Value::Str(text)) => Cow::Borrowed(&**text),
            Some(Value::Bool(true)) => "true".into(),
            Some(Value::Bool(false)) => "false".into(),
            _ => "absent".into(),
        };
        (value != *expected).then(|| format!("{path} is {value:?}, not {expected:?}"))
    })
}
