//! The texts of a row, with what is known of its resource put in: `InstanceId = "{id}"`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::fmt::strtime;
use jiff::tz::{Offset, TimeZone};

use crate::resources::Resource;

/// A text with places in it.
#[derive(Debug)]
pub(crate) struct Text(Vec<Piece>);

#[derive(Debug)]
enum Piece {
    Literal(String),
    Fact(Fact),
    /// `{created:%Y-%m-%dT%H:%MZ}`: the format is that of strftime, so `{created:%s}` are seconds since 1970 and
    /// `{created:%s}000` are milliseconds.
    Created(String, TimeZone),
}

#[derive(Clone, Copy, Debug)]
enum Fact {
    Id,
    Name,
    Status,
    ResourceGroup,
    Variant,
    Region,
    LocalName,
    Endpoint,
    Key,
    Value,
}

/// What is known of a row. What does not belong to its listing is empty.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Facts<'a> {
    pub region: &'a str,
    pub local_name: &'a str,
    pub endpoint: &'a str,
    pub resource: Option<&'a Resource>,
    pub variant: &'a str,
    /// The tag that the row is about.
    pub key: &'a str,
    pub value: &'a str,
    /// The tags that stand inside the row.
    pub tags: Option<&'a BTreeMap<String, String>>,
}

impl Text {
    pub fn parse(text: &str, utc_offset_hours: i8) -> Result<Self, String> {
        let zone = Offset::from_hours(utc_offset_hours).map_err(|error| error.to_string())?.to_time_zone();
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (place, behind) = after.split_once('}').ok_or_else(|| format!("{text:?} lacks a brace"))?;
            pieces.push(Piece::Literal(before.to_owned()));
            pieces.push(Piece::of(place, &zone)?);
            rest = behind;
        }
        pieces.push(Piece::Literal(rest.to_owned()));
        Ok(Self(pieces))
    }

    pub fn write(&self, facts: &Facts<'_>) -> String {
        self.0.iter().fold(String::new(), |text, piece| text + &piece.write(facts))
    }

    /// Whether the text is nothing but the status.
    pub fn is_status(&self) -> bool {
        matches!(&self.0[..], [Piece::Literal(_), Piece::Fact(Fact::Status), Piece::Literal(_)])
    }

    /// Whether the text is nothing but the id.
    pub fn is_id(&self) -> bool {
        matches!(&self.0[..], [Piece::Literal(_), Piece::Fact(Fact::Id), Piece::Literal(_)])
    }
}

impl Piece {
    fn of(place: &str, zone: &TimeZone) -> Result<Self, String> {
        if let Some(format) = place.strip_prefix("created:") {
            let sample = Timestamp::UNIX_EPOCH.to_zoned_datetime(zone.clone());
            strtime::format(format, &sample).map_err(|error| format!("{format:?}: {error}"))?;
            return Ok(Self::Created(format.to_owned(), zone.clone()));
        }
        Ok(Self::Fact(match place {
            "id" => Fact::Id,
            "name" => Fact::Name,
            "status" => Fact::Status,
            "resource_group" => Fact::ResourceGroup,
            "variant" => Fact::Variant,
            "region" => Fact::Region,
            "local_name" => Fact::LocalName,
            "endpoint" => Fact::Endpoint,
            "key" => Fact::Key,
            "value" => Fact::Value,
            _ => return Err(format!("there is nothing called {{{place}}}")),
        }))
    }

    fn write(&self, facts: &Facts<'_>) -> String {
        match self {
            Self::Literal(text) => text.clone(),
            Self::Fact(fact) => fact.of(facts).to_owned(),
            Self::Created(format, zone) => {
                created(facts.resource.map_or("", |resource| &resource.created), format, zone)
            }
        }
    }
}

/// A time that cannot be read is shown as it stands.
fn created(text: &str, format: &str, zone: &TimeZone) -> String {
    let moment = text.parse::<Timestamp>().ok();
    let written =
        moment.and_then(|moment| strtime::format(format, &moment.to_zoned_datetime(zone.clone())).ok());
    written.unwrap_or_else(|| text.to_owned())
}

impl Fact {
    fn of<'a>(self, facts: &Facts<'a>) -> &'a str {
        let of_resource = |read: fn(&Resource) -> &str| facts.resource.map_or("", read);
        match self {
            Self::Id => of_resource(Resource::id),
            Self::Name => of_resource(|resource| &resource.name),
            Self::Status => of_resource(|resource| &resource.status),
            Self::ResourceGroup => of_resource(|resource| &resource.resource_group_id),
            Self::Variant => facts.variant,
            Self::Region => facts.region,
            Self::LocalName => facts.local_name,
            Self::Endpoint => facts.endpoint,
            Self::Key => facts.key,
            Self::Value => facts.value,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str, hours: i8, created: &str) -> String {
        let mut resource = Resource::new("i-1");
        resource.created = created.to_owned();
        let facts = Facts { resource: Some(&resource), region: "cn-hangzhou", ..Facts::default() };
        Text::parse(text, hours).unwrap().write(&facts)
    }

    #[test]
    fn a_creation_time_is_written_as_the_product_does() {
        for (text, hours, expected) in [
            ("{created:%Y-%m-%dT%H:%M:%SZ}", 0, "2022-08-15T06:49:04Z"),
            ("{created:%Y-%m-%dT%H:%MZ}", 0, "2022-08-15T06:49Z"),
            ("{created:%Y-%m-%dT%H:%M:%S%:z}", 8, "2022-08-15T14:49:04+08:00"),
            ("{created:%Y-%m-%dT%H:%M:%S.000%z}", 0, "2022-08-15T06:49:04.000+0000"),
            ("{created:%s}", 0, "1660546144"),
            ("{created:%s}000", 0, "1660546144000"),
        ] {
            assert_eq!(written(text, hours, "2022-08-15T06:49:04Z"), expected);
        }
        assert_eq!(written("{created:%s}", 0, "yesterday"), "yesterday");
    }

    #[test]
    fn a_text_may_hold_several_places() {
        assert_eq!(written("{region}/{id}", 0, ""), "cn-hangzhou/i-1");
        for wrong in ["{nobody}", "{id", "{created:%K}"] {
            assert!(Text::parse(wrong, 0).is_err(), "{wrong}");
        }
    }
}
