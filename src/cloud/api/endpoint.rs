//! Which host is called for a product in a region. Pure.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::Deserialize;
use url::{Host, Url};

/// The network that requests take. The hosts of `vpc` can be reached from inside Alibaba Cloud only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Network {
    #[default]
    Public,
    Vpc,
}

/// The site on which an account was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Site {
    #[default]
    China,
    International,
}

/// The hosts of one API. `{region}` in a pattern is replaced.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Endpoints {
    /// For regions that are not in the map.
    pub public_pattern: String,
    /// Left out where the API has no host inside a VPC.
    pub vpc_pattern: Option<String>,
    /// Region id to host, for the public network.
    #[serde(default)]
    pub public: BTreeMap<String, String>,
    /// The regions in which the API is offered, as far as this build knows.
    #[serde(default)]
    pub regions: Vec<String>,
    /// Those without a host inside a VPC.
    #[serde(default)]
    pub no_vpc_host: Vec<String>,
    /// The hosts for accounts of the international site, where they are others.
    pub international: Option<Hosts>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hosts {
    pub public_pattern: String,
    pub vpc_pattern: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    #[error("is not a valid URL: {0}")]
    NoUrl(url::ParseError),
    #[error("must start with https:// (http:// is allowed only for loopback addresses)")]
    NotHttps,
    #[error("must contain only scheme, host and port")]
    MoreThanHost,
    #[error("{api} has no host inside a VPC in {region}")]
    NoVpcHost { api: String, region: String },
}

/// A region of an API.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The API's code.
    pub api: &'a str,
    pub region: &'a str,
    pub site: Site,
    /// The host that the cloud's own list of regions names, as it stands there.
    pub told_host: Option<&'a str>,
}

/// The URL to call: the override, else the map, else what the cloud told, else the pattern.
///
/// What the cloud told counts for the public network only, and only where it fits the API's own hosts: a key must not
/// be sent to whatever host an answer names.
pub fn endpoint(
    endpoints: &Endpoints,
    override_template: Option<&str>,
    network: Network,
    place: Place<'_>,
) -> Result<Url, EndpointError> {
    match override_template {
        Some(template) => checked(&filled(template, place.api, place.region)),
        None => checked(&format!("https://{}", host(endpoints, network, place)?)),
    }
}

impl Endpoints {
    /// Every host and pattern, with its key path.
    pub fn hosts(&self) -> impl Iterator<Item = (String, &str)> {
        let own =
            [("public_pattern", Some(&self.public_pattern)), ("vpc_pattern", self.vpc_pattern.as_ref())];
        let other = self.international.iter().flat_map(|Hosts { public_pattern, vpc_pattern }| {
            let patterns = [Some(public_pattern), vpc_pattern.as_ref()];
            ["international.public_pattern", "international.vpc_pattern"].into_iter().zip(patterns)
        });
        let patterns = own.into_iter().chain(other).filter_map(|(name, host)| Some((name.to_owned(), host?)));
        let map = self.public.iter().map(|(region, host)| (format!("public.{region}"), host));
        patterns.chain(map).map(|(name, host)| (format!("endpoints.{name}"), host.as_str()))
    }

    /// Whether the API is offered in `region`, as far as is known.
    pub fn offers(&self, region: &str) -> bool {
        self.regions.is_empty() || self.regions.iter().any(|offered| offered == region)
    }

    /// `told` as a host of the cloud that has the API's own name: `ecs.cn-x.aliyuncs.com`, `ecs-cn-x.aliyuncs.com`.
    fn own_host<'a>(&self, told: &'a str) -> Option<&'a str> {
        let host = cloud_host(told)?;
        let name = self.public_pattern.split('.').next()?;
        let rest = host.strip_prefix(name)?;
        rest.starts_with(['.', '-']).then_some(host)
    }
}

/// The host in `told` when it is one of the cloud: bare, or with `https://` before it.
pub fn cloud_host(told: &str) -> Option<&str> {
    let host = told.strip_prefix("https://").unwrap_or(told);
    let name = host.strip_suffix(".aliyuncs.com")?;
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    name.split('.').all(is_label).then_some(host)
}

/// The URL of STS: the override, else the region's own host, else the central one. The hosts are those of the
/// official credentials SDKs; inside a VPC there is none without a region.
pub fn sts_endpoint(
    override_template: Option<&str>,
    network: Network,
    region: Option<&str>,
) -> Result<Url, EndpointError> {
    let host = match (override_template, region, network) {
        (Some(template), region, _) => return checked(&filled(template, "sts", region.unwrap_or_default())),
        (None, None, _) => "sts.aliyuncs.com".to_owned(),
        (None, Some(region), Network::Public) => format!("sts.{region}.aliyuncs.com"),
        (None, Some(region), Network::Vpc) => format!("sts-vpc.{region}.aliyuncs.com"),
    };
    checked(&format!("https://{host}"))
}

fn host(endpoints: &Endpoints, network: Network, place: Place<'_>) -> Result<String, EndpointError> {
    let Place { api, region, site, told_host } = place;
    let other = endpoints.international.as_ref().filter(|_| site == Site::International);
    let told = told_host.and_then(|told| endpoints.own_host(told));
    let vpc_pattern = other.map_or(&endpoints.vpc_pattern, |hosts| &hosts.vpc_pattern).as_ref();
    Ok(match (network, other, endpoints.public.get(region), told) {
        (Network::Public, Some(other), ..) => filled(&other.public_pattern, api, region),
        (Network::Public, None, Some(host), _) => host.clone(),
        (Network::Public, None, None, Some(told)) => told.to_owned(),
        (Network::Public, None, None, None) => filled(&endpoints.public_pattern, api, region),
        (Network::Vpc, ..) => vpc_pattern
            .filter(|_| !endpoints.no_vpc_host.iter().any(|without| without == region))
            .map(|pattern| filled(pattern, api, region))
            .ok_or_else(|| EndpointError::NoVpcHost { api: api.to_owned(), region: region.to_owned() })?,
    })
}

fn filled(template: &str, api: &str, region: &str) -> String {
    template.replace("{product}", api).replace("{region}", region)
}

fn checked(text: &str) -> Result<Url, EndpointError> {
    let url = Url::parse(text).map_err(EndpointError::NoUrl)?;
    let plain_is_fine = url.scheme() == "http" && is_loopback(&url);
    if url.scheme() != "https" && !plain_is_fine {
        return Err(EndpointError::NotHttps);
    }
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    if !bare || !url.username().is_empty() || url.password().is_some() {
        return Err(EndpointError::MoreThanHost);
    }
    Ok(url)
}

/// Whether `url` leads to this machine.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => IpAddr::from(ip).is_loopback(),
        Some(Host::Ipv6(ip)) => IpAddr::from(ip).is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(over: Option<&str>, network: Network, region: &str) -> Result<String, EndpointError> {
        told_url(over, network, region, None)
    }

    fn told_url(
        over: Option<&str>,
        network: Network,
        region: &str,
        told_host: Option<&str>,
    ) -> Result<String, EndpointError> {
        let endpoints = Endpoints {
            public_pattern: "hbase.{region}.aliyuncs.com".into(),
            vpc_pattern: Some("hbase-vpc.{region}.aliyuncs.com".into()),
            public: BTreeMap::from([("cn-hangzhou".into(), "hbase.aliyuncs.com".into())]),
            ..Endpoints::default()
        };
        let place = Place { api: "hbase", region, site: Site::China, told_host };
        endpoint(&endpoints, over, network, place).map(String::from)
    }

    #[test]
    fn the_override_comes_before_the_map_before_the_pattern() {
        use Network::*;
        let over = Some("http://127.0.0.1:80/");
        assert_eq!(url(over, Public, "cn-hangzhou").unwrap(), "http://127.0.0.1/");
        assert_eq!(url(None, Public, "cn-hangzhou").unwrap(), "https://hbase.aliyuncs.com/");
        assert_eq!(url(None, Public, "cn-new").unwrap(), "https://hbase.cn-new.aliyuncs.com/");
        assert_eq!(url(None, Vpc, "cn-hangzhou").unwrap(), "https://hbase-vpc.cn-hangzhou.aliyuncs.com/");
    }

    #[test]
    fn what_the_cloud_tells_counts_where_the_map_has_nothing_and_only_under_its_domain() {
        use Network::*;
        let told = |network, region, host| told_url(None, network, region, Some(host)).unwrap();
        let pattern = "https://hbase.cn-new.aliyuncs.com/";
        assert_eq!(
            told(Public, "cn-new", "hbase-x.cn-new.aliyuncs.com"),
            "https://hbase-x.cn-new.aliyuncs.com/"
        );
        assert_eq!(told(Public, "cn-new", "https://hbase.aliyuncs.com"), "https://hbase.aliyuncs.com/");
        assert_eq!(told(Public, "cn-hangzhou", "other.aliyuncs.com"), "https://hbase.aliyuncs.com/");
        assert_eq!(told(Vpc, "cn-new", "other.aliyuncs.com"), "https://hbase-vpc.cn-new.aliyuncs.com/");
        for other in [
            "",
            "aliyuncs.com",
            ".aliyuncs.com",
            "evil.example.com",
            "evilaliyuncs.com",
            "http://hbase.aliyuncs.com",
            "evil.example.com/hbase.aliyuncs.com",
            "user@hbase.aliyuncs.com",
            "evil.example.com#.aliyuncs.com",
            "hbase.aliyuncs.com:8443",
            "HBASE.aliyuncs.com",
            "hbase.aliyuncs.com.evil.example.com",
            "sts.aliyuncs.com",
            "evil-hbase.aliyuncs.com",
            "hbasex.aliyuncs.com",
        ] {
            assert_eq!(told(Public, "cn-new", other), pattern, "{other}");
        }
    }

    #[test]
    fn the_international_site_has_hosts_of_its_own_where_an_api_has_them() {
        let hosts = Hosts { public_pattern: "cdn.ap-southeast-1.aliyuncs.com".into(), vpc_pattern: None };
        let cdn = Endpoints {
            public_pattern: "cdn.aliyuncs.com".into(),
            vpc_pattern: Some("cdn.vpc-proxy.aliyuncs.com".into()),
            ..Endpoints::default()
        };
        let both = Endpoints { international: Some(hosts), ..cdn.clone() };
        let of = |endpoints: &Endpoints, network, site| {
            let place = Place { api: "cdn", region: "global", site, told_host: None };
            endpoint(endpoints, None, network, place).map_or_else(|error| error.to_string(), String::from)
        };
        for (endpoints, network, site, expected) in [
            (&cdn, Network::Public, Site::International, "https://cdn.aliyuncs.com/"),
            (&both, Network::Public, Site::China, "https://cdn.aliyuncs.com/"),
            (&both, Network::Public, Site::International, "https://cdn.ap-southeast-1.aliyuncs.com/"),
            (&both, Network::Vpc, Site::China, "https://cdn.vpc-proxy.aliyuncs.com/"),
            (&both, Network::Vpc, Site::International, "cdn has no host inside a VPC in global"),
        ] {
            assert_eq!(of(endpoints, network, site), expected, "{network:?} {site:?}");
        }
    }

    #[test]
    fn a_region_without_a_host_inside_a_vpc_is_an_error() {
        let endpoints = Endpoints {
            public_pattern: "x.{region}.aliyuncs.com".into(),
            vpc_pattern: Some("x-vpc.{region}.aliyuncs.com".into()),
            no_vpc_host: vec!["r1".into()],
            ..Endpoints::default()
        };
        let of = |region| {
            let place = Place { api: "x", region, site: Site::China, told_host: None };
            endpoint(&endpoints, None, Network::Vpc, place).map(String::from)
        };
        assert_eq!(of("r2").unwrap(), "https://x-vpc.r2.aliyuncs.com/");
        assert_eq!(of("r1").unwrap_err().to_string(), "x has no host inside a VPC in r1");
    }

    #[test]
    fn an_override_is_filled_with_product_and_region() {
        let over = Some("https://{product}.{region}.example.com:8443");
        assert_eq!(url(over, Network::Public, "r1").unwrap(), "https://hbase.r1.example.com:8443/");
    }

    #[test]
    fn sts_is_regional_where_a_region_is_known() {
        use Network::*;
        let url = |over, network, region| sts_endpoint(over, network, region).map(String::from);
        assert_eq!(url(None, Vpc, None).unwrap(), "https://sts.aliyuncs.com/");
        assert_eq!(url(None, Public, Some("cn-beijing")).unwrap(), "https://sts.cn-beijing.aliyuncs.com/");
        assert_eq!(url(None, Vpc, Some("cn-beijing")).unwrap(), "https://sts-vpc.cn-beijing.aliyuncs.com/");
        let over = Some("https://{product}.example.com");
        assert_eq!(url(over, Vpc, Some("cn-beijing")).unwrap(), "https://sts.example.com/");
        assert_eq!(url(None, Public, Some("a.b/c?")), Err(EndpointError::MoreThanHost));
    }

    #[test]
    fn plain_http_is_for_loopback_only() {
        for (over, expected) in [
            ("http://127.0.0.9:1", Ok(())),
            ("http://localhost:1", Ok(())),
            ("http://[::1]:1", Ok(())),
            ("http://10.0.0.1", Err(EndpointError::NotHttps)),
            ("http://127.0.0.1.example.com", Err(EndpointError::NotHttps)),
            ("ftp://127.0.0.1", Err(EndpointError::NotHttps)),
            ("https://user:pw@host", Err(EndpointError::MoreThanHost)),
            ("https://host/path", Err(EndpointError::MoreThanHost)),
            ("https://host/?a=b", Err(EndpointError::MoreThanHost)),
        ] {
            assert_eq!(url(Some(over), Network::Public, "r").map(|_| ()), expected, "{over}");
        }
        assert!(matches!(url(Some("host"), Network::Public, "r"), Err(EndpointError::NoUrl(_))));
    }
}
