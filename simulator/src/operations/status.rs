//! Whether a service is ready, as the vendor's example says: GetResourceCenterServiceStatus.

use crate::error::CloudError;
use crate::parameters::Parameters;
use crate::product::{Product, complete};
use crate::response::to_json;
use crate::state::State;

pub fn answer(
    state: &State,
    product: &Product,
    mut parameters: Parameters<'_>,
    request_id: &str,
) -> Result<String, CloudError> {
    // The classic SDK adds it to every call.
    parameters.take("RegionId");
    parameters.finish()?;
    let status = product.status.as_ref().ok_or_else(|| CloudError::internal("there is no status"))?;
    if state.denied.contains(&status.right) {
        let message = "User not authorized to operate on the specified resource.";
        return Err(product.refusals.denied.error(message));
    }
    let mut answer = status.answer.clone();
    complete(&mut answer, request_id, ("NextToken", None));
    to_json(&answer)
}
