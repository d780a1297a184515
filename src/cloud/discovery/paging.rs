//! Walks the pages of a listing: which parameters come next, and whether the pages agree. Pure.

use std::collections::HashSet;

use super::decode::Page;
use crate::cloud::catalog::{Paging, Parameters};

/// Where a listing stands.
pub(super) struct Pager<'a> {
    paging: &'a Paging,
    size: Option<usize>,
    tokens: Tokens,
    pages: usize,
    rows: usize,
    total: Option<usize>,
    total_moved: bool,
}

impl<'a> Pager<'a> {
    /// `size` takes the place of the paging's own where it is given.
    pub fn new(paging: &'a Paging, size: Option<usize>) -> Self {
        Self { paging, size, tokens: Tokens::default(), pages: 0, rows: 0, total: None, total_moved: false }
    }

    /// Adds what asks for the next page.
    pub fn fill(&self, parameters: &mut Parameters) {
        let mut add = |name: &str, value: String| parameters.insert(name.to_owned(), value);
        match self.paging {
            Paging::PageNumber { page_size, number_parameter, size_parameter, .. } => {
                add(number_parameter, (self.pages + 1).to_string());
                add(size_parameter, self.size.unwrap_or(*page_size).to_string());
            }
            Paging::NextToken { max_results, size_parameter, .. } => {
                add(size_parameter, self.size.unwrap_or(*max_results).to_string());
                if let Some(token) = &self.tokens.next {
                    add("NextToken", token.clone());
                }
            }
            Paging::None {} => {}
        }
    }

    /// Takes note of a page; whether there is another one.
    pub fn advance<T>(&mut self, page: &Page<T>) -> Result<bool, RepeatedToken> {
        self.pages += 1;
        self.rows += page.rows.len();
        self.total_moved |= self.pages > 1 && self.total != page.total;
        self.total = page.total;
        match self.paging {
            Paging::PageNumber { .. } => {
                let total = page.total.unwrap_or_default();
                Ok(!page.rows.is_empty() && self.rows < total)
            }
            Paging::NextToken { .. } => self.tokens.advance(page.next_token.clone()),
            Paging::None {} => Ok(false),
        }
    }

    pub fn pages(&self) -> usize {
        self.pages
    }

    /// The cloud's last count, where it gives one.
    pub fn total(&self) -> Option<usize> {
        self.total
    }

    /// Whether every page told the same count.
    pub fn total_stood_still(&self) -> bool {
        !self.total_moved
    }
}

/// The tokens of a listing so far. One that comes twice would lead in a circle.
#[derive(Default)]
pub(super) struct Tokens {
    seen: HashSet<String>,
    pub next: Option<String>,
}

/// The cloud gave a `NextToken` a second time.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RepeatedToken;

impl Tokens {
    /// Takes note of a page's token; whether there is another page.
    pub fn advance(&mut self, next: Option<String>) -> Result<bool, RepeatedToken> {
        if let Some(token) = &next
            && !self.seen.insert(token.clone())
        {
            return Err(RepeatedToken);
        }
        self.next = next;
        Ok(self.next.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(rows: usize, total: Option<usize>, next_token: Option<&str>) -> Page<()> {
        Page { rows: vec![(); rows], total, next_token: next_token.map(str::to_owned) }
    }

    fn paging(text: &str) -> Paging {
        #[derive(serde::Deserialize)]
        struct Form {
            paging: Paging,
        }
        toml::from_str::<Form>(&format!("paging = {{ {text} }}")).unwrap().paging
    }

    fn by_number() -> Paging {
        paging(r#"style = "page-number", page_size = 100, total = "TotalCount""#)
    }

    #[test]
    fn each_style_asks_for_its_second_page_in_its_own_words() {
        for (form, size, expected) in [
            (r#"style = "page-number", page_size = 100, total = "T""#, None, "PageNumber=2 PageSize=100"),
            (
                r#"style = "page-number", page_size = 30, total = "T", number_parameter = "PageNo", size_parameter = "Size""#,
                None,
                "PageNo=2 Size=30",
            ),
            (r#"style = "next-token", max_results = 500"#, None, "MaxResults=500 NextToken=t"),
            (r#"style = "next-token", max_results = 500"#, Some(100), "MaxResults=100 NextToken=t"),
            (
                r#"style = "next-token", max_results = 20, size_parameter = "Limit""#,
                None,
                "Limit=20 NextToken=t",
            ),
            (r#"style = "none""#, None, ""),
        ] {
            let paging = paging(form);
            let mut pager = Pager::new(&paging, size);
            let more = pager.advance(&page(1, Some(7), Some("t")));
            assert_eq!(more, Ok(!expected.is_empty()), "{form}");
            let mut parameters = Parameters::new();
            pager.fill(&mut parameters);
            let asked: Vec<_> = parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
            assert_eq!(asked.join(" "), expected, "{form}");
        }
    }

    #[test]
    fn pages_are_read_until_the_count_is_reached_and_not_one_more() {
        let paging = by_number();
        let mut pager = Pager::new(&paging, None);
        assert_eq!(pager.advance(&page(100, Some(200), None)), Ok(true));
        let mut parameters = Parameters::new();
        pager.fill(&mut parameters);
        assert_eq!(parameters["PageNumber"], "2");
        assert_eq!(pager.advance(&page(100, Some(200), None)), Ok(false));
        assert!(pager.total_stood_still());
    }

    #[test]
    fn a_cloud_that_gives_smaller_pages_is_read_to_the_end() {
        let paging = by_number();
        let mut pager = Pager::new(&paging, None);
        for _ in 0..3 {
            assert_eq!(pager.advance(&page(50, Some(200), None)), Ok(true));
        }
        assert_eq!(pager.advance(&page(50, Some(200), None)), Ok(false));
    }

    #[test]
    fn an_empty_page_ends_a_listing_whatever_the_count_says() {
        let paging = by_number();
        assert_eq!(Pager::new(&paging, None).advance(&page(0, Some(7), None)), Ok(false));
    }

    #[test]
    fn a_count_that_moves_is_noticed_even_when_it_moves_back() {
        let paging = by_number();
        let mut pager = Pager::new(&paging, None);
        for total in [300, 299, 300] {
            pager.advance(&page(100, Some(total), None)).unwrap();
        }
        assert!(!pager.total_stood_still());
        assert_eq!(pager.total(), Some(300));
    }

    #[test]
    fn tokens_are_followed_verbatim_and_a_repeated_one_is_an_error() {
        let paging = paging(r#"style = "next-token", max_results = 50"#);
        let mut pager = Pager::new(&paging, None);
        assert_eq!(pager.advance(&page(1, None, Some("a\n"))), Ok(true));
        let mut parameters = Parameters::new();
        pager.fill(&mut parameters);
        assert_eq!((&*parameters["NextToken"], &*parameters["MaxResults"]), ("a\n", "50"));
        assert_eq!(pager.advance(&page(1, None, Some("b"))), Ok(true));
        assert_eq!(pager.advance(&page(1, None, Some("a\n"))), Err(RepeatedToken));
    }
}
