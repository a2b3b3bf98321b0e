//! The metadata of events: who asked, in which request, about what. It is published and hashed, so
//! its members are fixed (architecture §8) and nothing personal is among them.

use std::collections::BTreeMap;

use domain::decider::Facets;
use domain::kernel::actor::Channel;
use uuid::Uuid;

/// Where a command comes from.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// Who is signed in; none for the system.
    pub principal: Option<Uuid>,
    /// The role acted in, or `system`.
    pub role: String,
    /// The request's id, also given to the client.
    pub request_id: String,
    /// W3C trace context of the request.
    pub traceparent: Option<String>,
    /// The event that caused this, when a process acts on one.
    pub causation: Option<Uuid>,
    /// The journey it belongs to, when the origin knows it: the order's id.
    pub correlation: Option<Uuid>,
    /// Where the customer ordered, when the aggregate does not say.
    pub channel: Option<Channel>,
    /// The tablet that acted.
    pub device: Option<String>,
    /// Whether it is a rehearsal that analytics must leave out.
    pub test: bool,
}

impl Origin {
    /// The metadata of an event, a JSON object of strings. The events of a journey share their
    /// `correlation`: the origin's, else `journey`, else the order they are about, else the request.
    pub fn metadata(&self, facets: &Facets, journey: Option<Uuid>) -> String {
        let mut members: BTreeMap<&str, String> = BTreeMap::new();
        let mut add = |name, value: Option<String>| {
            if let Some(value) = value {
                members.insert(name, value);
            }
        };
        add("principal", self.principal.map(|id| id.to_string()));
        add("role", Some(self.role.clone()));
        add("request_id", Some(self.request_id.clone()));
        add("traceparent", self.traceparent.clone());
        add("causation", self.causation.map(|id| id.to_string()));
        let journey = self
            .correlation
            .or(journey)
            .or(facets.order.map(Uuid::from));
        let journey = journey.map_or_else(|| self.request_id.clone(), |id| id.to_string());
        add(
            "correlation",
            Some(journey).filter(|journey| !journey.is_empty()),
        );
        add("restaurant", facets.restaurant.map(|id| id.to_string()));
        add("order", facets.order.map(|id| id.to_string()));
        add("city", facets.city.clone());
        add(
            "currency",
            facets.currency.map(|currency| currency.to_string()),
        );
        add(
            "service_date",
            facets.service_date.map(|date| date.to_string()),
        );
        let channel = facets.channel.or(self.channel);
        add(
            "channel",
            channel.map(|channel| <&str>::from(channel).to_owned()),
        );
        add("device", self.device.clone());
        add("test", self.test.then(|| "true".to_owned()));
        // A map of strings always serialises.
        serde_json::to_string(&members).unwrap_or_else(|_| "{}".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use domain::kernel::ids::OrderId;

    use super::*;

    fn correlation(origin: &Origin, facets: &Facets, journey: Option<Uuid>) -> String {
        let metadata: BTreeMap<String, String> =
            serde_json::from_str(&origin.metadata(facets, journey)).unwrap();
        metadata.get("correlation").cloned().unwrap_or_default()
    }

    #[test]
    fn events_name_the_journey_they_belong_to() {
        let request = Origin {
            request_id: "r-1".to_owned(),
            ..Origin::default()
        };
        let [order, journey, known] = [1, 2, 3].map(Uuid::from_u128);
        let about = Facets {
            order: Some(OrderId::new(order)),
            ..Facets::default()
        };
        let nothing = Facets::default();
        assert_eq!(correlation(&request, &nothing, None), "r-1");
        assert_eq!(correlation(&request, &about, None), order.to_string());
        assert_eq!(
            correlation(&request, &about, Some(journey)),
            journey.to_string()
        );
        let process = Origin {
            correlation: Some(known),
            ..request
        };
        assert_eq!(
            correlation(&process, &about, Some(journey)),
            known.to_string()
        );
    }
}
