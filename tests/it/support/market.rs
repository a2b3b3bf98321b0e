//! A shop in Taipei that is open, with one bowl, one side and a counted larder.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Answer, Session, TestApp};

/// An open shop.
pub(crate) struct Shop {
    pub(crate) id: Uuid,
    pub(crate) owner: Session,
}

impl Shop {
    pub(crate) fn path(&self, rest: &str) -> String {
        format!("/v1/restaurants/{}{rest}", self.id)
    }
}

/// The menu of every test shop: prices in Japanese yen, which have no minor unit.
pub(crate) fn menu() -> Value {
    let ja = |text: &str| json!({ "ja": text, "en": text });
    json!({
        "currency": "JPY", "default_language": "ja", "cross_contact": [],
        "ingredients": [
            { "key": "noodles", "name": ja("noodles"), "unit": "g",
              "allergens": { "gluten": "contains" } },
            { "key": "broth", "name": ja("broth"), "unit": "ml",
              "allergens": { "soy": "contains", "gluten": "free" } },
            { "key": "egg", "name": ja("egg"), "unit": "piece",
              "allergens": { "egg": "contains", "gluten": "free" } },
            { "key": "gyoza", "name": ja("gyoza"), "unit": "piece",
              "allergens": { "gluten": "contains" } }
        ],
        "option_groups": [
            { "key": "firmness", "name": ja("firmness"), "options": [
                { "key": "kata", "name": ja("kata"), "price_minor": 0, "recipe": [],
                  "firmness": "kata", "cook_seconds": 45 },
                { "key": "futsu", "name": ja("futsu"), "price_minor": 0, "recipe": [],
                  "firmness": "futsu", "cook_seconds": 60 } ] },
            { "key": "toppings", "name": ja("toppings"), "options": [
                { "key": "egg", "name": ja("egg"), "price_minor": 120,
                  "recipe": [{ "ingredient": "egg", "amount": 1 }] } ] }
        ],
        "sections": [
            { "key": "ramen", "name": ja("ramen"), "items": [
                { "key": "tonkotsu", "name": { "ja": "豚骨ラーメン", "en": "Tonkotsu ramen" },
                  "price_minor": 950, "tax_class": "food",
                  "recipe": [{ "ingredient": "noodles", "amount": 120 },
                             { "ingredient": "broth", "amount": 350 }],
                  "ramen": { "style": "hakata_tonkotsu",
                             "broth": { "base": "tonkotsu", "richness": 4 },
                             "noodle_tenths_mm": 12, "cook_seconds": 60, "pack_seconds": 60,
                             "packaging": "split_hot" },
                  "groups": [
                      { "group": "firmness", "min": 1, "max": 1, "max_per_option": 1 },
                      { "group": "toppings", "min": 0, "max": 2, "max_per_option": 2 } ] } ] },
            { "key": "sides", "name": ja("sides"), "items": [
                { "key": "gyoza", "name": ja("gyoza"), "price_minor": 400, "tax_class": "food",
                  "recipe": [{ "ingredient": "gyoza", "amount": 5 }], "groups": [] } ] }
        ]
    })
}

/// A door inside the shop's zone.
pub(crate) fn address() -> Value {
    json!({
        "name": "Lin Mei-Hua", "phone": "+886912345678", "street": "Section 1, Zhongxiao E Rd 12",
        "unit": "4F", "city": "Taipei", "country": "TW", "door_note": "ring twice",
        "pin": { "lat": 25.0450, "lon": 121.5200 }
    })
}

fn stock(bowls: i64) -> Value {
    json!({ "counts": [
        { "ingredient": "noodles", "counted": 120 * bowls },
        { "ingredient": "broth", "counted": 350 * bowls },
        { "ingredient": "egg", "counted": 10 },
        { "ingredient": "gyoza", "counted": 100 }
    ] })
}

/// Open from morning to late, every day.
fn hours() -> Value {
    let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let day = |day| json!({ "weekday": day, "opens": "10:00", "closes": "23:30" });
    json!({ "days": days.map(day), "exceptions": [] })
}

impl TestApp {
    /// Opens a shop that has enough for `bowls`, through the public API.
    pub(crate) async fn open_shop(&self, number: u128, bowls: i64) -> Shop {
        let id = Uuid::from_u128(5_000 + number);
        let (owner, ops) = (self.owner(id).await, self.ops().await);
        let shop = Shop { id, owner };
        let register = json!({
            "id": id, "name": format!("Menya Test {number}"), "owner": shop.owner.id,
            "time_zone": "Asia/Taipei", "currency": "JPY", "country": "TW", "city": "Taipei",
            "address_text": "Zhongshan N Rd 1", "location": { "lat": 25.0478, "lon": 121.5170 },
            "styles": ["hakata_tonkotsu"], "auto_fire": false
        });
        self.post(&shop.owner, "/v1/restaurants", register)
            .await
            .expect(201);
        let corner = |lat: f64, lon: f64| json!({ "lat": lat, "lon": lon });
        let zones = json!({ "zones": [{
            "key": "near", "fee_minor": 200, "minimum_minor": 500, "minutes": 12,
            "polygon": [corner(25.03, 121.50), corner(25.03, 121.54), corner(25.06, 121.54),
                        corner(25.06, 121.50)]
        }] });
        let terms = json!({
            "seller": "Menya Test Ltd.", "commission_bp": 1500, "packaging_fee_minor": 0,
            "tax": { "mode": "inclusive", "food_bp": 800, "fee_bp": 1000 }
        });
        for (session, part, body) in [
            (&shop.owner, "/hours", hours()),
            (&shop.owner, "/zones", zones),
            (&ops, "/terms", terms),
            (&shop.owner, "/menu", menu()),
            (&shop.owner, "/stock", stock(bowls)),
        ] {
            let answer = self.put(session, &shop.path(part), body).await;
            assert!(answer.status < 300, "{part}: {}", answer.text);
        }
        for (session, step) in [(&shop.owner, "/submit"), (&ops, "/approve")] {
            let answer = self.post(session, &shop.path(step), json!({})).await;
            assert!(answer.status < 300, "{step}: {}", answer.text);
        }
        self.settle().await;
        shop
    }

    /// A cart with one bowl, to be brought to the door. Gives its path and the last answer.
    pub(crate) async fn cart(&self, customer: &Session, shop: &Shop) -> (String, Answer) {
        let open = json!({ "restaurant_id": shop.id, "channel": "app" });
        let opened = self.post(customer, "/v1/carts", open).await.expect(201);
        let path = format!("/v1/carts/{}", opened.body["cart_id"].as_str().unwrap());
        let line = json!({
            "item": "tonkotsu", "quantity": 1, "shortage": "refund",
            "options": [{ "group": "firmness", "option": "kata", "quantity": 1 }]
        });
        let added = self.post(customer, &format!("{path}/lines"), line).await;
        assert!(added.status < 300, "{}", added.text);
        let deliver = json!({ "type": "delivery", "address": address() });
        let quoted = self
            .put(customer, &format!("{path}/fulfilment"), deliver)
            .await;
        assert!(quoted.status < 300, "{}", quoted.text);
        (path, quoted)
    }

    /// Checks a cart out by the quote of `quoted`.
    pub(crate) async fn check_out(
        &self,
        customer: &Session,
        cart: &str,
        quoted: &Answer,
    ) -> Answer {
        let body = json!({ "quote_id": quoted.body["quote"]["quote_id"] });
        self.post(customer, &format!("{cart}/checkout"), body).await
    }

    /// Pays an order as Stripe.js does, with one of Stripe's test cards.
    pub(crate) async fn pay(&self, customer: &Session, order: &str, card: &str) {
        let path = format!("/v1/orders/{order}/payment-session");
        let session = self
            .send(
                Some(customer),
                reqwest::Method::POST,
                &path,
                &[],
                Some(&json!({})),
            )
            .await
            .expect(200);
        assert_eq!(session.header("cache-control"), Some("no-store"));
        let text = |name: &str| session.body[name].as_str().unwrap().to_owned();
        let url = format!(
            "{}/v1/payment_intents/{}/confirm",
            self.vendor,
            text("intent")
        );
        let form = [
            ("client_secret", text("client_secret")),
            ("payment_method", card.to_owned()),
        ];
        let key = text("publishable_key");
        self.client
            .post(url)
            .bearer_auth(key)
            .form(&form)
            .send()
            .await
            .unwrap();
        self.settle().await;
    }

    /// A paid order for one bowl; gives its id.
    pub(crate) async fn placed_order(&self, customer: &Session, shop: &Shop) -> String {
        let (cart, quoted) = self.cart(customer, shop).await;
        let ordered = self.check_out(customer, &cart, &quoted).await.expect(201);
        let order = ordered.body["order_id"].as_str().unwrap().to_owned();
        self.settle().await;
        self.pay(customer, &order, "pm_card_visa").await;
        order
    }

    /// The order as its customer sees it.
    pub(crate) async fn order(&self, session: &Session, order: &str) -> Value {
        self.get(session, &format!("/v1/orders/{order}"))
            .await
            .expect(200)
            .body
    }
}
