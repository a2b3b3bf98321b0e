//! What a step writes, as the columns that its statement takes.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::Written;

#[derive(Default)]
pub(super) struct Columns {
    pub(super) instances: Vec<Uuid>,
    pub(super) states: Vec<String>,
    pub(super) over: Vec<bool>,
    pub(super) effect_ids: Vec<Uuid>,
    pub(super) effect_instances: Vec<Uuid>,
    pub(super) effects: Vec<String>,
    pub(super) effect_causes: Vec<Uuid>,
    pub(super) effect_tests: Vec<bool>,
    pub(super) effect_traces: Vec<Option<String>>,
    pub(super) cancelled_instances: Vec<Uuid>,
    pub(super) cancelled_names: Vec<String>,
    pub(super) timer_instances: Vec<Uuid>,
    pub(super) timer_names: Vec<String>,
    pub(super) timer_due: Vec<DateTime<Utc>>,
    pub(super) timer_ids: Vec<Uuid>,
    pub(super) timer_effects: Vec<String>,
    pub(super) timer_causes: Vec<Uuid>,
    pub(super) timer_tests: Vec<bool>,
    pub(super) timer_traces: Vec<Option<String>>,
}

impl Columns {
    pub(super) fn of(written: &Written) -> Self {
        let mut rows = Self::default();
        for state in &written.states {
            rows.instances.push(state.instance);
            rows.states.push(state.state.clone());
            rows.over.push(state.over);
        }
        for effect in &written.effects {
            rows.effect_instances.push(effect.instance);
            rows.effect_ids.push(effect.id);
            rows.effects.push(effect.effect.clone());
            rows.effect_causes.push(effect.cause);
            rows.effect_tests.push(effect.test);
            rows.effect_traces.push(effect.traceparent.clone());
        }
        for (instance, name) in &written.cancelled {
            rows.cancelled_instances.push(*instance);
            rows.cancelled_names.push(name.clone());
        }
        for timer in &written.timers {
            rows.timer_instances.push(timer.fires.instance);
            rows.timer_names.push(timer.name.clone());
            rows.timer_due.push(timer.due_at);
            rows.timer_ids.push(timer.fires.id);
            rows.timer_effects.push(timer.fires.effect.clone());
            rows.timer_causes.push(timer.fires.cause);
            rows.timer_tests.push(timer.fires.test);
            rows.timer_traces.push(timer.fires.traceparent.clone());
        }
        rows
    }
}
