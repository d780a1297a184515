//! One request to one listing of a product, and what all listings do with it.

use crate::error::CloudError;
use crate::parameters::Parameters;
use crate::product::{self, Facts, Listing, Page, Product, RegionFrom, SizeLimits};
use crate::request::Request;
use crate::response::to_json;
use crate::state::{Region, State};

pub struct Call<'a> {
    pub product: &'a Product,
    pub listing: &'a Listing,
    pub state: &'a State,
    pub request: &'a Request,
    pub request_id: &'a str,
}

impl<'a> Call<'a> {
    pub fn parameters(&self) -> Parameters<'a> {
        Parameters::with_refusals(self.request, &self.product.refusals)
    }

    /// The regions that the request is about, with their ids.
    pub fn take_regions(
        &self,
        parameters: &mut Parameters<'a>,
    ) -> Result<Vec<(&'a str, &'a Region)>, CloudError> {
        if self.product.global {
            return Ok(vec![("", &self.state.global)]);
        }
        match self.listing.described.region {
            RegionFrom::Parameter => Ok(vec![parameters.take_region(self.state)?]),
            RegionFrom::Host => self.take_host_region(parameters).map(|region| vec![region]),
            RegionFrom::Filter => Ok(self.all_regions().collect()),
        }
    }

    /// A part of the host's name is the region's id. Where no host has a name, as in tests, RegionId says it, which the
    /// classic SDK adds to every call, or there is only one region.
    fn take_host_region(&self, parameters: &mut Parameters<'a>) -> Result<(&'a str, &'a Region), CloudError> {
        let host = self.request.host.split(':').next().unwrap_or_default();
        let named = self.all_regions().find(|(id, _)| host.split('.').any(|part| part == *id));
        let asked = parameters.take("RegionId");
        if let Some(named) = named {
            return Ok(named);
        }
        let mut fitting = self.all_regions().filter(|(id, _)| asked.is_none_or(|asked| asked == *id));
        match (fitting.next(), fitting.next()) {
            (Some(only), None) => Ok(only),
            _ => Err(parameters.refusals().unknown_region.error("The host belongs to no region.")),
        }
    }

    fn all_regions(&self) -> impl Iterator<Item = (&'a str, &'a Region)> {
        self.state.regions.iter().map(|(id, region)| (id.as_str(), region))
    }

    pub fn take_page(&self, parameters: &mut Parameters<'a>, limits: SizeLimits) -> Result<Page, CloudError> {
        self.listing.described.paging.take(parameters, self.request, limits)
    }

    pub fn is_denied(&self) -> bool {
        self.state.denied.contains(&self.listing.right)
    }

    pub fn check_right(&self) -> Result<(), CloudError> {
        match self.is_denied() && !self.listing.described.denied_is_empty {
            true => {
                let message = "User not authorized to operate on the specified resource.";
                Err(self.product.refusals.denied.error(message))
            }
            false => Ok(()),
        }
    }

    /// The answer with one page of these rows.
    pub fn answer<'f>(
        &self,
        page: Page,
        rows: impl ExactSizeIterator<Item = Facts<'f>>,
    ) -> Result<String, CloudError> {
        let Listing { described, form, .. } = self.listing;
        let count = rows.len();
        let shown = rows.skip(page.first).take(page.size).map(|facts| form.row(&facts)).collect();
        let mut answer = form.answer(&described.paging, page, shown, count);
        let token = described.paging.next_token(page, count, self.request);
        product::complete(&mut answer, self.request_id, (&described.paging.token, token));
        to_json(&answer)
    }
}
