//! Who may do what: the one table. A row names an action, the roles that may take it, and the relation
//! to the thing that each needs. What is not in the table is denied.
//!
//! A handler names its action by asking for its caller: `by: RestaurantStaff<AcceptOrder>`. The extractor
//! checks the role; the relation becomes a [`Scope`], which `execute` holds against the loaded aggregate
//! on writes and a query puts into its `WHERE` on reads. The action's name is the handler's, so a test
//! can walk the routes and find each row.

use std::sync::Arc;

use domain::kernel::ids::{CustomerId, DriverId, PrincipalId, RestaurantId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What somebody signed in as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Orders and eats.
    Customer,
    /// Runs one or more shops, or works there.
    Owner,
    /// Brings orders.
    Driver,
    /// Our staff.
    Ops,
    /// Another program of ours.
    Service,
    /// Has not signed in, and fills a cart.
    Guest,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 6] = [
        Self::Customer,
        Self::Owner,
        Self::Driver,
        Self::Ops,
        Self::Service,
        Self::Guest,
    ];

    /// Its name on the wire and in tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Owner => "owner",
            Self::Driver => "driver",
            Self::Ops => "ops",
            Self::Service => "service",
            Self::Guest => "guest",
        }
    }

    /// The role of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }
}

/// What a caller must be to a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Relation {
    /// The customer whose it is.
    Own,
    /// Staff of the shop whose it is.
    Shop,
    /// The driver to whom it was given.
    Assigned,
    /// Somebody who is signed in: the thing is their own login, and there is no other.
    Me,
    /// Nothing in particular.
    Any,
}

/// An action as a type, for extractors.
pub trait Act: Send + Sync + 'static {
    /// The same as a value.
    const ACTION: Action;
}

macro_rules! policy {
    ($($(#[$doc:meta])* $action:ident / $name:literal => { $($role:ident: $relation:ident),+ $(,)? })+) => {
        /// Something that can be asked for; one row of the table.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Action { $($(#[$doc])* $action),+ }

        impl Action {
            /// Every action.
            pub const ALL: &'static [Self] = &[$(Self::$action),+];

            /// Its name: that of its handler, and of its operation in the published document.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$action => $name),+ }
            }

            /// Who may, and what they must be to the thing.
            pub const fn rules(self) -> &'static [(Role, Relation)] {
                match self { $(Self::$action => &[$((Role::$role, Relation::$relation)),+]),+ }
            }
        }

        /// The actions as types.
        pub mod action {
            $($(#[$doc])* #[derive(Clone, Copy, Debug)] pub enum $action {}
            impl super::Act for $action {
                const ACTION: super::Action = super::Action::$action;
            })+
        }
    };
}

policy! {
    // restaurant
    /// Puts a new shop into the books.
    RegisterRestaurant / "register_restaurant" => { Owner: Any, Ops: Any }
    /// Changes a shop's public face.
    UpdateRestaurant / "update_restaurant" => { Owner: Shop, Ops: Any }
    /// Asks for approval.
    SubmitRestaurant / "submit_restaurant" => { Owner: Shop, Ops: Any }
    /// Lets a shop sell.
    ApproveRestaurant / "approve_restaurant" => { Ops: Any }
    /// Stops a shop from selling.
    SuspendRestaurant / "suspend_restaurant" => { Ops: Any }
    /// Ends a shop.
    CloseRestaurant / "close_restaurant" => { Owner: Shop, Ops: Any }
    /// Takes no orders for a while.
    PauseRestaurant / "pause_restaurant" => { Owner: Shop, Ops: Any }
    /// Takes no more orders on this service date.
    CloseToday / "close_today" => { Owner: Shop, Ops: Any }
    /// Pauses a shop that nobody answers for.
    MarkUnreachable / "mark_unreachable" => { Ops: Any }
    /// Enters somebody who works at the shop.
    AddStaff / "add_staff" => { Owner: Shop }
    /// Strikes somebody out.
    RemoveStaff / "remove_staff" => { Owner: Shop, Ops: Any }
    /// Enters a device of the shop.
    AddDevice / "add_device" => { Owner: Shop }
    /// Strikes a device out.
    RemoveDevice / "remove_device" => { Owner: Shop, Ops: Any }
    /// Says that a device is there.
    HearDevice / "hear_device" => { Owner: Shop }
    /// Reads who works at a shop, and with what.
    ReadStaff / "read_staff" => { Owner: Shop, Ops: Any }
    /// Takes orders again.
    ResumeRestaurant / "resume_restaurant" => { Owner: Shop, Ops: Any }
    /// Sets opening hours.
    SetHours / "set_hours" => { Owner: Shop, Ops: Any }
    /// Sets delivery zones.
    SetZones / "set_zones" => { Owner: Shop, Ops: Any }
    /// Says what the kitchen can do.
    SetCapacity / "set_capacity" => { Owner: Shop, Ops: Any }
    /// Sets commission, tax and fees.
    SetTerms / "set_terms" => { Ops: Any }
    /// Publishes a menu.
    PublishMenu / "publish_menu" => { Owner: Shop, Ops: Any }
    /// Changes one item's price or availability.
    UpdateMenuItem / "update_menu_item" => { Owner: Shop, Ops: Any }
    /// Changes one option's price or availability.
    UpdateMenuOption / "update_menu_option" => { Owner: Shop, Ops: Any }
    /// Sets counts of ingredients.
    SetStock / "set_stock" => { Owner: Shop, Ops: Any }
    /// Notes a delivery of ingredients.
    ReceiveStock / "receive_stock" => { Owner: Shop, Ops: Any }
    /// Notes what was thrown away.
    WasteStock / "waste_stock" => { Owner: Shop, Ops: Any }
    /// Notes what was counted.
    RecountStock / "recount_stock" => { Owner: Shop, Ops: Any }
    /// Takes an ingredient off sale.
    EightySix / "eighty_six" => { Owner: Shop, Ops: Any }
    /// Puts it on sale again.
    LiftEightySix / "lift_eighty_six" => { Owner: Shop, Ops: Any }
    /// Gives a promotion out.
    CreatePromotion / "create_promotion" => { Owner: Shop, Ops: Any }
    /// Changes a promotion's limits, or ends it.
    UpdatePromotion / "update_promotion" => { Owner: Shop, Ops: Any }
    /// Lists promotions.
    ListPromotions / "list_promotions" => { Owner: Shop, Ops: Any }
    /// Reads stock.
    ReadStock / "read_stock" => { Owner: Shop, Ops: Any }
    /// Reads the kitchen's queue.
    ReadKitchen / "read_kitchen" => { Owner: Shop, Ops: Any }

    // ordering: the cart
    /// Opens a cart.
    OpenCart / "open_cart" => { Customer: Own, Guest: Own }
    /// Adds a line.
    AddLine / "add_line" => { Customer: Own, Guest: Own }
    /// Changes a line.
    ChangeLine / "change_line" => { Customer: Own, Guest: Own }
    /// Removes a line.
    RemoveLine / "remove_line" => { Customer: Own, Guest: Own }
    /// Chooses door or counter.
    SetFulfilment / "set_fulfilment" => { Customer: Own, Guest: Own }
    /// Names the cart's promotion.
    SetPromotion / "set_promotion" => { Customer: Own, Guest: Own }
    /// Sets the tip.
    SetTip / "set_tip" => { Customer: Own, Guest: Own }
    /// Takes a guest's cart over.
    ClaimCart / "claim_cart" => { Customer: Own }
    /// Makes an order of a cart.
    CheckOut / "check_out" => { Customer: Own }
    /// Reads a cart.
    ReadCart / "read_cart" => { Customer: Own, Guest: Own, Ops: Any }

    // ordering: the order
    /// Puts the dishes of an order into a cart again.
    Reorder / "reorder" => { Customer: Own }
    /// Asks for what the client needs to pay.
    OpenPaymentSession / "open_payment_session" => { Customer: Own }
    /// Calls an order off.
    CancelOrder / "cancel_order" => { Customer: Own, Owner: Shop, Ops: Any }
    /// Takes an order on.
    AcceptOrder / "accept_order" => { Owner: Shop }
    /// Turns an order down.
    RejectOrder / "reject_order" => { Owner: Shop }
    /// Begins to cook.
    FireOrder / "fire_order" => { Owner: Shop }
    /// Notes that a bowl's noodles are out of the water.
    BoilBowl / "boil_bowl" => { Owner: Shop }
    /// Notes that a bowl is closed.
    SealBowl / "seal_bowl" => { Owner: Shop }
    /// Says that an order is ready.
    ReadyOrder / "ready_order" => { Owner: Shop }
    /// Hands an order over the counter.
    CollectOrder / "collect_order" => { Owner: Shop }
    /// Says that nobody came.
    MarkNotCollected / "mark_not_collected" => { Owner: Shop }
    /// Says that something of an order ran out.
    ShortOrder / "short_order" => { Owner: Shop, Ops: Any }
    /// Does what a shop or a courier should have done.
    ActOnBehalf / "act_on_behalf" => { Ops: Any }
    /// Orders something else instead, before it is cooked.
    AmendOrder / "amend_order" => { Customer: Own, Ops: Any }
    /// Puts the note at the door and its pin right.
    CorrectDoor / "correct_door" => { Customer: Own, Ops: Any }
    /// Cooks bowls once more.
    RefireOrder / "refire_order" => { Owner: Shop, Ops: Any }
    /// Has bowls made again at no cost to the customer, or offers it.
    RemakeOrder / "remake_order" => { Ops: Any }
    /// Takes what was offered to be made again.
    AcceptRemake / "accept_remake" => { Customer: Own, Ops: Any }
    /// Does not want it.
    DeclineRemake / "decline_remake" => { Customer: Own, Ops: Any }
    /// Answers what to do about it.
    AnswerShort / "answer_short" => { Customer: Own, Ops: Any }
    /// Moves a promise to a later time.
    DelayOrder / "delay_order" => { Owner: Shop }
    /// Fetches what a courier was to bring.
    SwitchToPickup / "switch_to_pickup" => { Customer: Own, Ops: Any }
    /// Says that a device has shown the order.
    AcknowledgeOrder / "acknowledge_order" => { Owner: Shop }
    /// Lists orders.
    ListOrders / "list_orders" => { Customer: Own, Owner: Shop, Ops: Any }
    /// Reads an order.
    ReadOrder / "read_order" => { Customer: Own, Owner: Shop, Ops: Any }
    /// Reads an order's history.
    ReadTimeline / "read_timeline" => { Customer: Own, Owner: Shop, Ops: Any }
    /// Reads an order's receipt.
    ReadReceipt / "read_receipt" => { Customer: Own, Owner: Shop, Ops: Any }
    /// Follows an order as it changes.
    FollowOrder / "follow_order" => { Customer: Own, Owner: Shop, Ops: Any }

    // delivery, driver
    /// Asks for a delivery.
    RequestDelivery / "request_delivery" => { Ops: Any }
    /// Gives a delivery to a driver.
    AssignDelivery / "assign_delivery" => { Ops: Any }
    /// Calls a delivery off.
    CancelDelivery / "cancel_delivery" => { Ops: Any }
    /// Leaves for the next stop.
    Depart / "depart" => { Driver: Assigned }
    /// Arrives at a stop.
    Arrive / "arrive" => { Driver: Assigned }
    /// Answers the checks at pickup.
    VerifyPickup / "verify_pickup" => { Driver: Assigned }
    /// Lets the order go although a check at pickup failed.
    OverridePickup / "override_pickup" => { Owner: Shop, Ops: Any }
    /// Takes the order along.
    PickUp / "pick_up" => { Driver: Assigned }
    /// Notes a try to reach the customer.
    AttemptContact / "attempt_contact" => { Driver: Assigned }
    /// Proves a delivery.
    ProveDelivery / "prove_delivery" => { Driver: Assigned }
    /// Gives a delivery up.
    FailDelivery / "fail_delivery" => { Driver: Assigned }
    /// Reads a delivery.
    ReadDelivery / "read_delivery" => { Driver: Assigned, Ops: Any }
    /// Lists one's deliveries.
    ListMyDeliveries / "list_my_deliveries" => { Driver: Assigned }
    /// Signs up to drive.
    RegisterDriver / "register_driver" => { Driver: Assigned, Ops: Any }
    /// Lets a driver drive.
    ApproveDriver / "approve_driver" => { Ops: Any }
    /// Stops a driver from driving.
    SuspendDriver / "suspend_driver" => { Ops: Any }

    // identity
    /// Lists one's logins.
    ListSessions / "list_sessions" => { Customer: Me, Owner: Me, Driver: Me, Ops: Me, Service: Me }
    /// Ends all of one's logins.
    LogOutEverywhere / "log_out_everywhere" => { Customer: Me, Owner: Me, Driver: Me, Ops: Me, Service: Me }

    // ops
    /// Reads how far each consumer is.
    ReadLag / "read_lag" => { Ops: Any, Service: Any }
    /// Reads what was set aside.
    ReadParked / "read_parked" => { Ops: Any }
    /// Looks for orders of anybody.
    SearchOrders / "search_orders" => { Ops: Any }
    /// Gives one command to many orders.
    ActOnOrders / "act_on_orders" => { Ops: Any }
    /// Has parked events folded again.
    RedriveParked / "redrive_parked" => { Ops: Any }
    /// Reads an aggregate at a time.
    ReadAudit / "read_audit" => { Ops: Any }
    /// Reads what proves that an event is in the log, unchanged.
    ReadProof / "read_proof" => { Ops: Any }
}

impl Action {
    /// What a caller of this role must be to the thing; `None`: denied.
    pub fn relation_of(self, role: Role) -> Option<Relation> {
        self.rules()
            .iter()
            .find(|(allowed, _)| *allowed == role)
            .map(|(_, relation)| *relation)
    }
}

/// Which things a caller may act on or see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everything.
    Any,
    /// What is this customer's.
    Own(CustomerId),
    /// What is of these shops.
    Shops(Arc<[RestaurantId]>),
    /// What was given to this driver.
    Assigned(DriverId),
    /// The caller's own logins, and no thing of the domain.
    Me,
}

/// Whose a thing is, as far as it is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Subject {
    /// The customer.
    pub customer: Option<CustomerId>,
    /// The shop.
    pub restaurant: Option<RestaurantId>,
    /// The driver.
    pub driver: Option<DriverId>,
}

impl Subject {
    /// A thing of a customer's.
    pub fn of_customer(customer: CustomerId) -> Self {
        Self {
            customer: Some(customer),
            ..Self::default()
        }
    }

    /// A thing of a shop's.
    pub fn of_restaurant(restaurant: RestaurantId) -> Self {
        Self {
            restaurant: Some(restaurant),
            ..Self::default()
        }
    }

    /// A thing that was given to a driver.
    pub fn of_driver(driver: DriverId) -> Self {
        Self {
            driver: Some(driver),
            ..Self::default()
        }
    }

    /// The same thing, which is also a shop's.
    #[must_use]
    pub fn and_restaurant(mut self, restaurant: RestaurantId) -> Self {
        self.restaurant = Some(restaurant);
        self
    }
}

impl Scope {
    /// The scope of a caller who stands in this relation.
    pub fn of(relation: Relation, principal: PrincipalId, shops: &Arc<[RestaurantId]>) -> Self {
        match relation {
            Relation::Any => Self::Any,
            Relation::Own => Self::Own(principal.into()),
            Relation::Shop => Self::Shops(Arc::clone(shops)),
            Relation::Assigned => Self::Assigned(principal.into()),
            Relation::Me => Self::Me,
        }
    }

    /// Whether a thing is in it. What is not known of the thing is no reason to let anybody in.
    pub fn covers(&self, subject: &Subject) -> bool {
        match self {
            Self::Any => true,
            Self::Own(customer) => subject.customer == Some(*customer),
            Self::Shops(shops) => subject.restaurant.is_some_and(|shop| shops.contains(&shop)),
            Self::Assigned(driver) => subject.driver == Some(*driver),
            Self::Me => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use uuid::Uuid;

    #[test]
    fn every_action_has_a_name_of_its_own_and_each_role_one_rule() {
        let names: HashSet<_> = Action::ALL.iter().map(|action| action.name()).collect();
        assert_eq!(names.len(), Action::ALL.len());
        for action in Action::ALL {
            let roles: HashSet<_> = action.rules().iter().map(|(role, _)| role).collect();
            assert_eq!(roles.len(), action.rules().len(), "{action:?}");
        }
    }

    #[test]
    fn names_are_the_actions_in_snake_case() {
        for action in Action::ALL {
            let mut expected = String::new();
            for c in format!("{action:?}").chars() {
                if c.is_uppercase() && !expected.is_empty() {
                    expected.push('_');
                }
                expected.extend(c.to_lowercase());
            }
            assert_eq!(action.name(), expected);
        }
    }

    #[test]
    fn a_relation_fits_its_role() {
        for action in Action::ALL {
            for (role, relation) in action.rules() {
                let fits = match relation {
                    Relation::Own => matches!(role, Role::Customer | Role::Guest),
                    Relation::Shop => *role == Role::Owner,
                    Relation::Assigned => *role == Role::Driver,
                    Relation::Me => true,
                    Relation::Any => {
                        matches!(role, Role::Ops | Role::Service)
                            || *action == Action::RegisterRestaurant
                    }
                };
                assert!(fits, "{action:?} for {role:?}");
            }
        }
    }

    #[test]
    fn every_cell_of_roles_and_things_is_as_the_table_says() {
        let (me, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let (shop, another) = (
            RestaurantId::new(Uuid::from_u128(3)),
            RestaurantId::new(Uuid::from_u128(4)),
        );
        let shops: Arc<[RestaurantId]> = Arc::new([shop]);
        let things = |id: Uuid, shop| Subject {
            customer: Some(CustomerId::new(id)),
            restaurant: Some(shop),
            driver: Some(DriverId::new(id)),
        };
        let mut cells = 0;
        for action in Action::ALL {
            for role in Role::ALL {
                let scope = action
                    .relation_of(role)
                    .map(|relation| Scope::of(relation, PrincipalId::new(me), &shops));
                let any = scope == Some(Scope::Any);
                let allowed = scope.as_ref().is_some_and(|scope| *scope != Scope::Me);
                let covers = |subject| scope.as_ref().is_some_and(|scope| scope.covers(&subject));
                assert_eq!(
                    covers(things(me, shop)),
                    allowed,
                    "own: {action:?} {role:?}"
                );
                assert_eq!(
                    covers(things(other, another)),
                    any,
                    "another's: {action:?} {role:?}"
                );
                assert_eq!(
                    covers(Subject::default()),
                    any,
                    "absent: {action:?} {role:?}"
                );
                let foreign_shop = things(me, another);
                let by_person = matches!(scope, Some(Scope::Own(_) | Scope::Assigned(_)));
                assert_eq!(
                    covers(foreign_shop),
                    any || by_person,
                    "{action:?} {role:?}"
                );
                cells += 4;
            }
        }
        assert!(cells >= 1_000, "{cells}");
    }

    #[test]
    fn roles_have_names_both_ways() {
        assert!(
            Role::ALL
                .into_iter()
                .all(|role| Role::parse(role.as_str()) == Some(role))
        );
        assert_eq!(Role::parse("root"), None);
    }
}
