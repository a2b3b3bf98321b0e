//! The planted faults: a row dropped, repeated, swapped, edited or added, and the invariant that it breaks.
//! `es.tid(n)` is the id of number n: an order of the story is 10 n + 2, its payment 10 n + 3, its delivery
//! 10 n + 4, the shop is 2. `es.plant` appends, numbers and chains an event as the product would.

use crate::check::report::Invariant;

/// A fault.
pub(super) struct Plant {
    /// What it breaks.
    pub(super) of: Invariant,
    /// What it is, for a failing test's message.
    pub(super) what: &'static str,
    /// The statements that plant it.
    pub(super) sql: &'static str,
}

const fn plant(of: Invariant, what: &'static str, sql: &'static str) -> Plant {
    Plant { of, what, sql }
}

/// All of them.
pub(super) const PLANTS: &[Plant] = &[
    plant(
        Invariant::I2,
        "a record whose events are not stored",
        "UPDATE ops.command_records SET headers = json_build_object('x-consistency-token',
             translate(encode(convert_to('ordering.order:' || es.tid(12) || ':99', 'UTF8'), 'base64'),
                       '+/=' || chr(10), '-_'))
         WHERE body LIKE '%' || es.tid(12) || '%'",
    ),
    plant(
        Invariant::I2,
        "a record of an outcome that decides nothing",
        "UPDATE ops.command_records SET status = 503 WHERE status = 422",
    ),
    plant(
        Invariant::I2,
        "two records of one key",
        "ALTER TABLE ops.command_records DROP CONSTRAINT command_records_pkey;
         INSERT INTO ops.command_records SELECT * FROM ops.command_records WHERE status = 422",
    ),
    plant(
        Invariant::I2,
        "an effect that acted twice",
        r#"SELECT es.plant('ordering.order', es.tid(22), body, '{"role":"system","request_id":"one"}')
           FROM (VALUES ('{"type":"completed"}'::json), ('{"type":"completed"}')) AS twice (body)"#,
    ),
    plant(
        Invariant::I3,
        "an edited amount",
        "UPDATE es.events SET payload = replace(payload::text, '980', '981')::json
         WHERE aggregate_id = es.tid(13) AND event_type = 'captured'",
    ),
    plant(
        Invariant::I3,
        "amounts that do not come to the total",
        "UPDATE es.events SET payload = replace(payload::text, '-98', '-97')::json
         WHERE aggregate_id = es.tid(12) AND event_type = 'checked_out'",
    ),
    plant(
        Invariant::I3,
        "less back than the policy says",
        r#"UPDATE es.events SET payload = (payload::jsonb
               || '{"settlement":{"back_minor":900,"shop_paid":false,"courier_paid":true}}')::json
           WHERE aggregate_id = es.tid(42) AND event_type = 'cancelled'"#,
    ),
    plant(
        Invariant::I3,
        "another currency",
        "UPDATE es.events SET payload = replace(payload::text, 'JPY', 'KRW')::json
         WHERE aggregate_id = es.tid(13) AND event_type = 'captured'",
    ),
    plant(
        Invariant::I3,
        "a second capture",
        r#"SELECT es.plant('payment.payment', es.tid(13),
               '{"type":"captured","amount":{"amount_minor":980,"currency":"JPY"}}')"#,
    ),
    plant(
        Invariant::I3,
        "a dropped capture",
        "DELETE FROM es.events WHERE aggregate_id = es.tid(13) AND event_type = 'captured'",
    ),
    plant(
        Invariant::I3,
        "a refund above what was captured",
        r#"SELECT es.plant('payment.payment', es.tid(13), json_build_object('type', 'refund_requested',
               'refund', es.tid(99), 'amount', '{"amount_minor":981,"currency":"JPY"}'::json))"#,
    ),
    plant(
        Invariant::I3,
        "a refund of a rejected capture that was never made",
        "DELETE FROM es.events WHERE aggregate_id = es.tid(43) AND event_type LIKE 'refund%'",
    ),
    plant(
        Invariant::I3,
        "a second payment of one attempt",
        r#"SELECT es.plant('payment.payment', es.tid(98), body) FROM (VALUES
               (json_build_object('type', 'requested', 'order', es.tid(12), 'attempt', 1,
                   'amount', '{"amount_minor":980,"currency":"JPY"}'::json)),
               ('{"type":"authorized"}'),
               ('{"type":"captured","amount":{"amount_minor":980,"currency":"JPY"}}')) AS told (body)"#,
    ),
    plant(
        Invariant::I4,
        "a hole in a stream",
        "UPDATE es.events SET sequence = 99 WHERE aggregate_id = es.tid(12) AND event_type = 'completed'",
    ),
    plant(
        Invariant::I4,
        "two events of a stream swapped in the log",
        "UPDATE es.event_log l SET event_row = -l.event_row FROM es.events e
         WHERE e.id = l.event_row AND e.aggregate_id = es.tid(12) AND e.sequence IN (1, 2);
         UPDATE es.event_log SET event_row = (SELECT -sum(event_row) FROM es.event_log WHERE event_row < 0)
                                              + event_row
         WHERE event_row < 0",
    ),
    plant(
        Invariant::I4,
        "an event stored twice",
        "ALTER TABLE es.events DROP CONSTRAINT events_aggregate_type_aggregate_id_sequence_key;
         INSERT INTO es.events (aggregate_type, aggregate_id, sequence, event_type, event_version,
                                payload, metadata, event_id, recorded_at)
         SELECT aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata,
                event_id, recorded_at
         FROM es.events WHERE aggregate_id = es.tid(12) AND sequence = 2",
    ),
    plant(
        Invariant::I5,
        "a position dropped",
        "DELETE FROM es.event_log WHERE position = 10",
    ),
    plant(
        Invariant::I5,
        "an event dropped from under its position",
        "DELETE FROM es.events WHERE id = (SELECT event_row FROM es.event_log WHERE position = 10)",
    ),
    plant(
        Invariant::I5,
        "a sequencer ahead of its log",
        "UPDATE es.sequencer SET position = position + 1",
    ),
    plant(
        Invariant::I5,
        "an event that was never numbered",
        "DELETE FROM es.event_log WHERE position = (SELECT max(position) FROM es.event_log)",
    ),
    plant(
        Invariant::I6,
        "an order's state edited",
        "UPDATE views.orders SET state = 'cooking' WHERE order_id::text = es.tid(12)",
    ),
    plant(
        Invariant::I6,
        "a payment dropped",
        "DELETE FROM views.payments WHERE payment_id::text = es.tid(13)",
    ),
    plant(
        Invariant::I6,
        "details of no order",
        "INSERT INTO views.order_details SELECT es.tid(97)::uuid, sequence, lines, quote, allergens, fulfilment, seller, commission, agreed
         FROM views.order_details LIMIT 1",
    ),
    plant(
        Invariant::I6,
        "details of another order",
        "UPDATE views.order_details d SET fulfilment = o.fulfilment FROM views.order_details o
         WHERE d.order_id::text = es.tid(12) AND o.order_id::text = es.tid(22)",
    ),
    plant(
        Invariant::I6,
        "a tablet that is said to be there and was missed",
        "UPDATE views.restaurants SET device_signs = replace(device_signs::text, 'false', 'true')::json",
    ),
    plant(
        Invariant::I6,
        "a cook who has left and is in the books still",
        "UPDATE views.restaurants
           SET staff = replace(staff::text, right(es.tid(81), 12), right(es.tid(82), 12))::json",
    ),
    plant(
        Invariant::I6,
        "a pin at the door that nobody put right",
        "UPDATE views.order_details SET fulfilment = replace(fulfilment::text, 'delivery', 'Delivery')::json
         WHERE order_id::text = es.tid(12)",
    ),
    plant(
        Invariant::I6,
        "an entry of the timeline dropped",
        "DELETE FROM views.order_timeline WHERE order_id::text = es.tid(12) AND sequence = 3",
    ),
    plant(
        Invariant::I6,
        "an entry of the timeline edited",
        r#"UPDATE views.order_timeline SET facts = '{"prep_minutes": 1}'
           WHERE order_id::text = es.tid(12) AND event = 'accepted'"#,
    ),
    plant(
        Invariant::I6,
        "an order that is back in the kitchen",
        "INSERT INTO views.kitchen_queue (order_id, sequence, restaurant_id, number, service_date, fulfilment,
             state, auto_fire, lines, bowls, promise_latest, updated_at)
         SELECT order_id, sequence, restaurant_id, number, service_date, fulfilment, 'ready', false, '[]',
                '[]', promise_latest, updated_at
         FROM views.orders WHERE order_id::text = es.tid(12)",
    ),
    plant(
        Invariant::I6,
        "a shop's name edited",
        "UPDATE views.restaurants SET name = 'Menya Kumo'",
    ),
    plant(
        Invariant::I6,
        "a shop's zones edited",
        "UPDATE views.restaurants SET zone_shapes = 'GEOMETRYCOLLECTION EMPTY'",
    ),
    plant(Invariant::I6, "a price dropped", "UPDATE views.menus SET prices = '{}'"),
    plant(
        Invariant::I6,
        "stock edited so that it still adds up",
        "UPDATE views.stock SET ingredients = jsonb_set(jsonb_set(ingredients::jsonb, '{egg,received}', '51'),
             '{egg,free}', '41')::json",
    ),
    plant(
        Invariant::I6,
        "a tip edited",
        "UPDATE views.carts SET tip_minor = tip_minor + 1 WHERE cart_id::text = es.tid(11)",
    ),
    plant(
        Invariant::I6,
        "a delivery without its proof",
        "UPDATE views.deliveries SET proof = NULL",
    ),
    plant(Invariant::I6, "a driver's vehicle edited", "UPDATE views.drivers SET vehicle = 'car'"),
    plant(
        Invariant::I6,
        "a payment of an earlier instant",
        "UPDATE views.payments SET updated_at = updated_at - interval '1 microsecond'
         WHERE payment_id::text = es.tid(13)",
    ),
    plant(
        Invariant::I6,
        "a redemption that is not shown",
        "UPDATE views.promotions SET redeemed = redeemed - 1",
    ),
    plant(
        Invariant::I9,
        "more redemptions than the limit",
        r#"SELECT es.plant('restaurant.promotion', es.tid(7), format(
               '{"type":"redeemed","order":"%s","customer":"%s","restaurant":"%s",
                 "discount":{"amount_minor":9,"currency":"JPY"},"at":"2026-11-20T12:00:00Z"}',
               es.tid(order_id), es.tid(order_id + 3), es.tid(2))::json, '{}')
           FROM (VALUES (32), (42)) AS more (order_id)"#,
    ),
    plant(
        Invariant::I9,
        "a second redemption of one customer",
        r#"SELECT es.plant('restaurant.promotion', es.tid(7), format(
               '{"type":"redeemed","order":"%s","customer":"%s","restaurant":"%s",
                 "discount":{"amount_minor":9,"currency":"JPY"},"at":"2026-11-20T12:00:00Z"}',
               es.tid(42), es.tid(15), es.tid(2))::json, '{}')"#,
    ),
    plant(
        Invariant::I9,
        "an order that died unpaid and still counts",
        "DELETE FROM es.event_log WHERE event_row IN (SELECT id FROM es.events
             WHERE event_type = 'redemption_released');
         DELETE FROM es.events WHERE event_type = 'redemption_released'",
    ),
    plant(
        Invariant::I9,
        "a discount that nobody counts",
        "DELETE FROM es.event_log WHERE event_row IN (SELECT id FROM es.events
             WHERE event_type = 'redeemed' AND payload ->> 'order' = es.tid(12));
         DELETE FROM es.events WHERE event_type = 'redeemed' AND payload ->> 'order' = es.tid(12)",
    ),
    plant(
        Invariant::I7,
        "a shop that is closed and still found",
        "UPDATE views.restaurants SET stage = 'suspended'",
    ),
    plant(
        Invariant::I7,
        "a dish found at another price",
        r#"UPDATE views.menus SET prices = '{"miso": 1}'"#,
    ),
    plant(
        Invariant::I7,
        "a dish found that is switched off",
        r#"UPDATE views.menus SET unavailable = '["miso"]'"#,
    ),
    plant(
        Invariant::I7,
        "a shop found open that has other hours",
        r#"UPDATE views.restaurants SET hours = '{"days": [], "exceptions": []}'"#,
    ),
    plant(
        Invariant::I7,
        "a shop found open that is paused",
        "UPDATE views.restaurants SET paused = true",
    ),
    plant(
        Invariant::I7,
        "a shop found to deliver where it does not",
        "UPDATE views.restaurants SET zones = '[]', zone_shapes = 'GEOMETRYCOLLECTION EMPTY'",
    ),
    plant(
        Invariant::I7,
        "a dish found that cannot be cooked",
        "UPDATE views.stock SET ingredients = jsonb_set(ingredients::jsonb, '{noodles,free}', '149')::json",
    ),
    plant(
        Invariant::I7,
        "an index that claims what no view has read",
        "UPDATE views.checkpoints SET position = 1 WHERE view = 'menus'",
    ),
    plant(Invariant::I7, "documents of no shop", "DELETE FROM views.restaurants"),
    plant(
        Invariant::I8,
        "a free amount edited",
        "UPDATE views.stock SET ingredients = jsonb_set(ingredients::jsonb, '{noodles,free}', '1')::json",
    ),
    plant(
        Invariant::I8,
        "an amount held by nobody",
        "UPDATE views.stock SET ingredients = jsonb_set(ingredients::jsonb, '{noodles,held}', '150')::json",
    ),
    plant(
        Invariant::I8,
        "more held than there is",
        r#"SELECT es.plant('restaurant.inventory', es.tid(2), json_build_object('type', 'hold_opened',
               'hold', es.tid(96), 'number', 7, 'service_date', '2026-11-20',
               'needs', '[{"ingredient":"noodles","amount":999999}]'::json))"#,
    ),
    plant(
        Invariant::I8,
        "a hold stranded by a cancelled order",
        "DELETE FROM es.events WHERE event_type = 'hold_released' AND payload ->> 'hold' = es.tid(32)",
    ),
    plant(
        Invariant::I8,
        "a shortfall that is none",
        r#"SELECT es.plant('restaurant.inventory', es.tid(2),
               '{"type":"recounted","ingredient":"egg","counted":10,"shortfall":5}')"#,
    ),
    plant(
        Invariant::I8,
        "an order for later that lacks what is there",
        r#"SELECT es.plant('restaurant.inventory', es.tid(2), json_build_object('type', 'hold_filled',
               'hold', es.tid(12), 'needs', '[]'::json, 'short', '[{"ingredient":"egg","amount":1}]'::json))"#,
    ),
    plant(
        Invariant::I12,
        "an order for later that was released before its time",
        r#"UPDATE es.events SET payload = (payload::jsonb || '{"schedule":{"release_at":"2026-11-21T10:00:00Z",
               "window":{"from":"2026-11-21T10:30:00Z","to":"2026-11-21T11:00:00Z"}}}')::json
           WHERE aggregate_id = es.tid(12) AND event_type = 'checked_out'"#,
    ),
    plant(
        Invariant::I8,
        "a recount that names nobody whose order is short",
        r#"SELECT es.plant('restaurant.inventory', es.tid(2), body) FROM (VALUES
               (json_build_object('type', 'hold_opened', 'hold', es.tid(96), 'number', 7,
                    'service_date', '2026-11-20', 'needs', '[{"ingredient":"noodles","amount":100}]'::json)),
               ('{"type":"recounted","ingredient":"noodles","counted":0,"shortfall":100}'::json)) AS two (body)"#,
    ),
    plant(
        Invariant::I8,
        "a number given twice",
        r#"UPDATE es.events SET payload = replace(payload::text, '"number":2', '"number":1')::json
           WHERE event_type = 'hold_opened' AND payload ->> 'hold' = es.tid(22)"#,
    ),
    plant(
        Invariant::I10,
        "a webhook that was answered and not handled",
        "UPDATE ops.webhook_inbox SET status = 'pending' WHERE event_key = 'evt_pi_1'",
    ),
    plant(
        Invariant::I10,
        "a webhook kept with the body of another",
        "UPDATE ops.webhook_inbox SET body = other.body FROM ops.webhook_inbox AS other
         WHERE ops.webhook_inbox.event_key = 'evt_pi_1' AND other.event_key = 'evt_pi_2'",
    ),
    plant(
        Invariant::I10,
        "a webhook kept as it came",
        r#"UPDATE ops.webhook_inbox SET body = '{"id":"evt_pi_1"}' WHERE event_key = 'evt_pi_1'"#,
    ),
    plant(
        Invariant::I12,
        "accepted after completed",
        r#"SELECT es.plant('ordering.order', es.tid(12), '{"type":"accepted"}')"#,
    ),
    plant(
        Invariant::I12,
        "cancelled by the courier",
        r#"UPDATE es.events SET payload = replace(payload::text, '"customer"', '"driver"')::json
           WHERE aggregate_id = es.tid(32) AND event_type = 'cancelled'"#,
    ),
    plant(
        Invariant::I12,
        "ready before every bowl is sealed",
        "DELETE FROM es.events WHERE aggregate_id = es.tid(22) AND event_type = 'bowl_sealed'",
    ),
    plant(
        Invariant::I12,
        "a pickup order brought by a courier",
        "UPDATE es.events SET event_type = 'picked_up', payload = '{\"type\":\"picked_up\"}'
         WHERE aggregate_id = es.tid(22) AND event_type = 'collected'",
    ),
    plant(
        Invariant::I12,
        "voided after captured",
        r#"SELECT es.plant('payment.payment', es.tid(13), '{"type":"voided"}')"#,
    ),
    plant(
        Invariant::I12,
        "assigned after delivered",
        r#"SELECT es.plant('delivery.delivery', es.tid(14), '{"type":"assigned"}')"#,
    ),
    plant(
        Invariant::I12,
        "a hold consumed after its release",
        "SELECT es.plant('restaurant.inventory', es.tid(2),
               json_build_object('type', 'hold_consumed', 'hold', es.tid(32)))",
    ),
    plant(
        Invariant::I12,
        "a hold released twice",
        "SELECT es.plant('restaurant.inventory', es.tid(2),
               json_build_object('type', 'hold_released', 'hold', es.tid(32)))",
    ),
    plant(
        Invariant::I12,
        "a cart changed after checkout",
        r#"SELECT es.plant('ordering.cart', es.tid(11), '{"type":"tip_set","amount_minor":0}')"#,
    ),
    plant(
        Invariant::I12,
        "a live shop approved",
        r#"SELECT es.plant('restaurant.restaurant', es.tid(2), '{"type":"approved"}')"#,
    ),
    plant(
        Invariant::I12,
        "an event whose name is not its body's",
        "UPDATE es.events SET event_type = 'hours_set' WHERE event_type = 'terms_set'",
    ),
    plant(
        Invariant::I15,
        "a finished order whose process goes on",
        "UPDATE ops.process_instances SET over = false WHERE instance::text = es.tid(12)",
    ),
    plant(
        Invariant::I15,
        "an order without its process",
        "DELETE FROM ops.process_instances WHERE instance::text = es.tid(22)",
    ),
    plant(
        Invariant::I15,
        "a process of no order",
        "INSERT INTO ops.process_instances VALUES ('order_fulfilment', es.tid(95)::uuid, '{}', true)",
    ),
    plant(
        Invariant::I15,
        "a timer that has not fired",
        "UPDATE ops.timers SET due_at = '2026-11-20 10:00Z'",
    ),
    plant(
        Invariant::I15,
        "a timer of a process that has ended",
        "UPDATE ops.timers SET instance = es.tid(12)::uuid",
    ),
    plant(
        Invariant::I15,
        "an effect that was given up",
        "UPDATE ops.effects SET status = 'parked' WHERE instance::text = es.tid(12)",
    ),
    plant(
        Invariant::I15,
        "an effect that is late",
        "UPDATE ops.effects SET status = 'sent' WHERE instance::text = es.tid(12)",
    ),
    plant(
        Invariant::I15,
        "two couriers with one order",
        r#"SELECT es.plant('delivery.delivery', es.tid(94), body) FROM (VALUES
               (json_build_object('type', 'requested', 'order', es.tid(12))),
               ('{"type":"assigned"}'), ('{"type":"picked_up"}')) AS told (body)"#,
    ),
    plant(
        Invariant::I16,
        "a space in a payload",
        "UPDATE es.events SET payload = (payload::text || ' ')::json WHERE id = 5",
    ),
    plant(
        Invariant::I16,
        "another person in the metadata",
        r#"UPDATE es.events SET metadata = '{"role":"ops"}' WHERE id = 5"#,
    ),
    plant(
        Invariant::I16,
        "a microsecond",
        "UPDATE es.events SET recorded_at = recorded_at + interval '1 microsecond' WHERE id = 5",
    ),
    plant(
        Invariant::I16,
        "another event id",
        "UPDATE es.events SET event_id = es.tid(93)::uuid WHERE id = 5",
    ),
    plant(
        Invariant::I16,
        "a hash replaced",
        "UPDATE es.event_log SET hash = sha256('forged') WHERE position = 7",
    ),
    plant(
        Invariant::I16,
        "the tail cut off",
        "DELETE FROM es.events WHERE id = (SELECT max(id) FROM es.events);
         DELETE FROM es.event_log WHERE position = (SELECT max(position) FROM es.event_log);
         UPDATE es.sequencer SET position = position - 1",
    ),
    plant(
        Invariant::I16,
        "the tail cut off, and all that tells of it",
        "DELETE FROM es.event_log WHERE position = (SELECT max(position) FROM es.event_log);
         DELETE FROM es.events e WHERE NOT EXISTS (SELECT FROM es.event_log WHERE event_row = e.id);
         UPDATE es.sequencer SET (position, hash) =
             (SELECT position, hash FROM es.event_log ORDER BY position DESC LIMIT 1)",
    ),
    plant(
        Invariant::I16,
        "an edit, and the log chained anew",
        r#"UPDATE es.events SET metadata = '{"role":"ops"}' WHERE id = 5;
           UPDATE es.event_log l SET hash = c.hash FROM (
               SELECT l.position, es.chain(decode(repeat('00', 32), 'hex'), l.position, es.leaf(e))
                                  OVER (ORDER BY l.position) AS hash
               FROM es.event_log l JOIN es.events e ON e.id = l.event_row) c
           WHERE c.position = l.position;
           UPDATE es.sequencer SET hash =
               (SELECT hash FROM es.event_log ORDER BY position DESC LIMIT 1)"#,
    ),
    plant(
        Invariant::I16,
        "an edited checkpoint",
        "UPDATE ops.checkpoints SET note = regexp_replace(note, '^[^\n]+', 'another.log')",
    ),
    plant(
        Invariant::I16,
        "a checkpoint elsewhere",
        "UPDATE ops.checkpoints SET position = position - 1",
    ),
    plant(
        Invariant::I16,
        "a checkpoint that does not read",
        "UPDATE ops.checkpoints SET note = 'here we stood'",
    ),
    plant(
        Invariant::I18,
        "a process behind the log",
        "UPDATE ops.process_positions SET position = position - 1",
    ),
    plant(
        Invariant::I18,
        "a publisher behind the log",
        "UPDATE ops.publisher_cursor SET position = 5",
    ),
    plant(
        Invariant::I18,
        "a view behind its events",
        "UPDATE views.checkpoints SET position = 1 WHERE view = 'orders'",
    ),
    plant(
        Invariant::I18,
        "a view beyond the log",
        "UPDATE views.checkpoints SET position = 100000 WHERE view = 'orders'",
    ),
    plant(
        Invariant::I18,
        "an effect still to be done",
        "UPDATE ops.effects SET status = 'pending', due_at = '2027-01-01Z'
         WHERE instance::text = es.tid(12)",
    ),
    plant(
        Invariant::I18,
        "an event parked",
        "INSERT INTO views.parked_events
         SELECT 'orders', e.aggregate_type, e.aggregate_id::uuid, e.sequence, 1, e.event_id, e.event_type,
                e.event_version, e.payload::text, e.metadata::text, e.recorded_at, 'store', 0, NULL,
                e.recorded_at
         FROM es.events e WHERE e.aggregate_id = es.tid(12) AND e.sequence = 1",
    ),
    plant(
        Invariant::Cards,
        "a card number in an event",
        r#"SELECT es.plant('restaurant.restaurant', es.tid(2),
               '{"type":"profile_updated","name":"4242 4242 4242 4242"}')"#,
    ),
    plant(
        Invariant::Cards,
        "a card number in metadata",
        r#"SELECT es.plant('restaurant.restaurant', es.tid(2), '{"type":"resumed"}',
               '{"role":"owner","device":"5555555555554444"}')"#,
    ),
    plant(
        Invariant::Cards,
        "a card number in a view",
        "UPDATE views.restaurants SET address_text = 'ask for 378282246310005'",
    ),
];
