//! The paths and their methods.

use hyper::Method;

/// A path that is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route {
    Landing,
    Metrics,
    Tags,
    Changes,
    Healthy,
    Ready,
    Reload,
}

impl Route {
    const ALL: [Self; 7] =
        [Self::Landing, Self::Metrics, Self::Tags, Self::Changes, Self::Healthy, Self::Ready, Self::Reload];

    /// The route at `path`, if there is one.
    pub fn at(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|route| route.path() == path)
    }

    /// Also the value of the label `handler`.
    pub fn path(self) -> &'static str {
        match self {
            Self::Landing => "/",
            Self::Metrics => "/metrics",
            Self::Tags => "/tags",
            Self::Changes => "/tags/changes",
            Self::Healthy => "/healthz",
            Self::Ready => "/readyz",
            Self::Reload => "/-/reload",
        }
    }

    /// The value of the header `Allow`.
    pub fn allowed(self) -> &'static str {
        match self {
            Self::Reload => "POST",
            _ => "GET, HEAD",
        }
    }

    pub fn allows(self, method: &Method) -> bool {
        self.allowed().split(", ").any(|allowed| method.as_str() == allowed)
    }

    /// Whether it is about the process, and not about what the process knows.
    pub fn is_health(self) -> bool {
        matches!(self, Self::Healthy | Self::Ready)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_path_is_that_of_one_route() {
        for route in Route::ALL {
            assert_eq!(Route::at(route.path()), Some(route));
        }
        assert_eq!(Route::at("metrics"), None);
    }
}
