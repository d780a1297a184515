//! How a listing is cut into pages.

use serde::Deserialize;

use crate::error::CloudError;
use crate::next_token;
use crate::parameters::Parameters;
use crate::request::Request;

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Paging {
    pub by: PagedBy,
    /// The parameter with the number of the page.
    pub number: String,
    /// The parameter with the size of a page; where it is absent, `default` is the only size.
    pub size: Option<String>,
    pub default: usize,
    pub max: usize,
    /// The only sizes that are allowed.
    pub sizes: Vec<usize>,
    /// The parameter with the token, and the field of the next one.
    pub token: String,
    /// The token of the last page.
    pub last_token: String,
    /// The last page has no token.
    pub omits_last_token: bool,
    /// Where the number of rows on all pages stands.
    pub total: Option<String>,
    pub total_counts: TotalCounts,
    /// Where the number of rows on this page stands.
    pub count: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum PagedBy {
    #[default]
    Nothing,
    Number,
    Token,
}

/// What the number that is called a total counts.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum TotalCounts {
    #[default]
    All,
    Page,
    /// It is there, and it means nothing.
    Nothing,
}

/// What a test sets instead of the described sizes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SizeLimits {
    pub default: Option<usize>,
    pub max: Option<usize>,
}

/// The rows that one request asks for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Page {
    pub number: usize,
    pub size: usize,
    pub first: usize,
}

impl Paging {
    pub fn take(
        &self,
        parameters: &mut Parameters<'_>,
        request: &Request,
        limits: SizeLimits,
    ) -> Result<Page, CloudError> {
        match self.by {
            PagedBy::Nothing => Ok(Page { number: 1, size: usize::MAX, first: 0 }),
            PagedBy::Number => {
                let number = parameters.take_number(&self.number, 1..=usize::MAX, 1)?;
                let size = self.take_size(parameters, limits)?;
                Ok(Page { number, size, first: (number - 1).saturating_mul(size) })
            }
            PagedBy::Token => {
                let size = self.take_size(parameters, limits)?;
                let token = parameters.take(&self.token).filter(|token| !token.is_empty());
                let wrong = || parameters.refusals().wrong_token.error("The specified NextToken is invalid.");
                let read = |token| next_token::read(token, &self.token, request).ok_or_else(wrong);
                Ok(Page { number: 1, size, first: token.map_or(Ok(0), read)? })
            }
        }
    }

    fn take_size(&self, parameters: &mut Parameters<'_>, limits: SizeLimits) -> Result<usize, CloudError> {
        let default = limits.default.unwrap_or(self.default);
        let Some(name) = &self.size else { return Ok(default) };
        let max = limits.max.unwrap_or(self.max).max(default);
        let size = parameters.take_number(name, 1..=max, default)?;
        if self.sizes.is_empty() || self.sizes.contains(&size) || size == default {
            return Ok(size);
        }
        Err(parameters.refusals().invalid(name, &format!("it is one of {:?}", self.sizes)))
    }

    /// The token of the page behind `page`, where the answer has one.
    pub fn next_token(&self, page: Page, rows: usize, request: &Request) -> Option<String> {
        match self.by {
            PagedBy::Token if page.first.saturating_add(page.size) < rows => {
                Some(next_token::write(page.first + page.size, &self.token, request))
            }
            PagedBy::Token if !self.omits_last_token => Some(self.last_token.clone()),
            _ => None,
        }
    }

    pub fn total(&self, rows: usize, shown: usize) -> usize {
        match self.total_counts {
            TotalCounts::All => rows,
            TotalCounts::Page => shown,
            TotalCounts::Nothing => 0,
        }
    }

    /// Says what is wrong with the description.
    pub fn check(&self) -> Result<(), String> {
        let sizes_fit = self.sizes.iter().all(|size| (1..=self.max).contains(size));
        match self.by {
            PagedBy::Nothing => Ok(()),
            _ if self.default == 0 => Err("paging lacks a default".to_owned()),
            _ if self.size.is_some() && self.max < self.default => Err("paging lacks a max".to_owned()),
            _ if !sizes_fit => Err("paging has a size above its max".to_owned()),
            _ => Ok(()),
        }
    }
}

impl Default for Paging {
    fn default() -> Self {
        Self {
            by: PagedBy::Nothing,
            number: "PageNumber".to_owned(),
            size: None,
            default: 0,
            max: 0,
            sizes: Vec::new(),
            token: "NextToken".to_owned(),
            last_token: String::new(),
            omits_last_token: false,
            total: None,
            total_counts: TotalCounts::All,
            count: None,
        }
    }
}
