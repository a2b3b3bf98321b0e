//! What the rules between options must keep to: they name what is on the menu, can be kept, and do not contradict each other.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::options::{GroupLink, OptionGroup, OptionRef, OptionRule, RuleKind};
use super::{Item, MenuDocument};
use crate::kernel::fault::{Faults, Pointer};
use crate::kernel::key::Key;

/// Rules of a menu.
const RULES_MAX: usize = 200;
/// Options that one rule names, and items that it is for.
const NAMES_MAX: usize = 100;

/// Checks the rules of a document. Names, keys and languages of its other parts have been looked at.
pub(in crate::restaurant) fn check_rules(document: &MenuDocument, faults: &mut Faults) {
    let at = Pointer::root().at("rules");
    if document.rules.len() > RULES_MAX {
        let count = document.rules.len();
        let detail = format!("{count} where at most {RULES_MAX} are possible");
        faults.add("too_many", &at, detail);
        return;
    }
    let groups = document.option_groups.iter();
    let check = Check {
        document,
        groups: groups.map(|group| (&group.key, group)).collect(),
    };
    let mut keys = HashSet::new();
    for (index, rule) in document.rules.iter().enumerate() {
        let at = at.at(index);
        if !keys.insert(&rule.key) {
            let detail = format!("{} stands there already", rule.key);
            faults.add("key_repeated", &at.at("key"), detail);
        }
        check.names(rule, &at, faults);
    }
    // Whether rules can be kept is a question only for a menu that is otherwise as it should be.
    if faults.is_empty() {
        check.can_be_kept(&at, faults);
    }
}

struct Check<'a> {
    document: &'a MenuDocument,
    groups: HashMap<&'a Key, &'a OptionGroup>,
}

/// What can be chosen on an item, and how the item itself offers it.
struct Offer<'a> {
    item: &'a Item,
    reachable: BTreeSet<&'a Key>,
}

impl<'a> Check<'a> {
    fn names(&self, rule: &OptionRule, at: &Pointer, faults: &mut Faults) {
        self.option(&rule.when, &at.at("when"), faults);
        let then = at.at("then");
        if rule.then.is_empty() {
            faults.add("empty", &then, "at least 1 is needed");
        }
        for (count, at) in [
            (rule.then.len(), &then),
            (rule.items.len(), &at.at("items")),
        ] {
            if count > NAMES_MAX {
                let detail = format!("{count} where at most {NAMES_MAX} are possible");
                faults.add("too_many", at, detail);
            }
        }
        let mut seen = HashSet::new();
        for (index, other) in rule.then.iter().enumerate().take(NAMES_MAX) {
            let at = then.at(index);
            self.option(other, &at, faults);
            if *other == rule.when {
                faults.add("rule_names_itself", &at, "a rule is about other options");
            } else if !seen.insert(other) {
                faults.add("key_repeated", &at, format!("{other} stands there already"));
            }
        }
        let language = &self.document.default_language;
        if !rule.reason.iter().any(|(found, _)| found == language) {
            let detail = format!("the default language {language} is missing");
            faults.add("default_language_missing", &at.at("reason"), detail);
        }
        self.items(rule, &at.at("items"), faults);
    }

    fn option(&self, named: &OptionRef, at: &Pointer, faults: &mut Faults) {
        let Some(group) = self.groups.get(&named.group) else {
            let detail = format!("there is no option group {}", named.group);
            faults.add("group_unknown", &at.at("group"), detail);
            return;
        };
        let mut options = group.options.iter();
        if !options.any(|option| option.key == named.option) {
            let detail = format!("{} has no option {}", named.group, named.option);
            faults.add("option_unknown", &at.at("option"), detail);
        }
    }

    fn items(&self, rule: &OptionRule, at: &Pointer, faults: &mut Faults) {
        for (index, key) in rule.items.iter().enumerate().take(NAMES_MAX) {
            let mut sections = self.document.sections.iter();
            if !sections.any(|section| section.items.iter().any(|item| item.key == *key)) {
                let detail = format!("there is no item {key}");
                faults.add("item_unknown", &at.at(index), detail);
            }
        }
    }

    /// On every item that offers what a rule is about.
    fn can_be_kept(&self, at: &Pointer, faults: &mut Faults) {
        let mut reported = HashSet::new();
        for item in self
            .document
            .sections
            .iter()
            .flat_map(|section| &section.items)
        {
            let rules = self.document.rules.iter().enumerate();
            let rules: Vec<(usize, &OptionRule)> =
                rules.filter(|(_, rule)| rule.is_for(&item.key)).collect();
            if rules.is_empty() {
                continue;
            }
            let offer = Offer {
                item,
                reachable: self.reachable(&item.groups),
            };
            for (index, rule) in &rules {
                if !offer.reachable.contains(&rule.when.group) || reported.contains(index) {
                    continue;
                }
                if let Some((code, detail)) = offer.against(rule, &rules) {
                    reported.insert(*index);
                    faults.add(code, &at.at(index), detail);
                }
            }
        }
    }

    /// The groups that can be reached from links, however deep.
    fn reachable(&self, links: &'a [GroupLink]) -> BTreeSet<&'a Key> {
        let mut found = BTreeSet::new();
        let mut left: Vec<&'a GroupLink> = links.iter().collect();
        while let Some(link) = left.pop() {
            if found.insert(&link.group)
                && let Some(group) = self.groups.get(&link.group)
            {
                left.extend(group.options.iter().flat_map(|option| &option.groups));
            }
        }
        found
    }
}

impl Offer<'_> {
    /// Why the option that a rule is about could never be chosen on this item: a code and a sentence.
    fn against(
        &self,
        rule: &OptionRule,
        rules: &[(usize, &OptionRule)],
    ) -> Option<(&'static str, String)> {
        let item = &self.item.key;
        if rule.kind == RuleKind::Implies {
            let offered = |other: &OptionRef| self.link(other).is_some();
            if let Some(other) = rule.then.iter().find(|other| !offered(other)) {
                let detail =
                    format!("{item} itself does not offer {other}, so it cannot come along");
                return Some(("implied_not_offered", detail));
            }
        }
        let together = closure(&rule.when, rules);
        for (_, other) in rules
            .iter()
            .filter(|(_, other)| together.contains(&other.when))
        {
            if !self.can_keep(other, &together, rules) {
                let (key, when) = (&other.key, &rule.when);
                let detail = format!("with {when} on {item}, rule {key} cannot be kept");
                return Some(("rules_contradict", detail));
            }
        }
        let link = self.overfull(&together)?;
        let detail = format!(
            "{} brings along more of {} than {item} takes",
            rule.when, link.group
        );
        Some(("rules_contradict", detail))
    }

    /// Whether a rule can be kept by a dish that has at least these options.
    fn can_keep(
        &self,
        rule: &OptionRule,
        together: &BTreeSet<&OptionRef>,
        rules: &[(usize, &OptionRule)],
    ) -> bool {
        match rule.kind {
            RuleKind::Implies => true,
            RuleKind::Excludes => !rule.then.iter().any(|other| together.contains(other)),
            RuleKind::Requires => rule.then.iter().any(|other| {
                self.reachable.contains(&other.group) && !excluded(other, together, rules)
            }),
        }
    }

    /// The item's own link to the group of an option.
    fn link(&self, option: &OptionRef) -> Option<&GroupLink> {
        let mut links = self.item.groups.iter();
        links.find(|link| link.group == option.group)
    }

    /// A group of the item that would take more than its limits allow.
    fn overfull(&self, together: &BTreeSet<&OptionRef>) -> Option<&GroupLink> {
        let mut of_group: BTreeMap<&Key, u32> = BTreeMap::new();
        for option in together {
            *of_group.entry(&option.group).or_default() += 1;
        }
        self.item.groups.iter().find(|link| {
            let kinds = of_group.get(&link.group).copied().unwrap_or(0);
            kinds > link.max.min(link.max_distinct.unwrap_or(u32::MAX))
        })
    }
}

/// The options that are on every dish with this one: what it implies and must have, and what that does in turn.
fn closure<'a>(first: &'a OptionRef, rules: &[(usize, &'a OptionRule)]) -> BTreeSet<&'a OptionRef> {
    let mut found = BTreeSet::from([first]);
    let mut left = vec![first];
    while let Some(option) = left.pop() {
        for (_, rule) in rules.iter().filter(|(_, rule)| rule.when == *option) {
            let comes_along = match rule.kind {
                RuleKind::Implies => true,
                // One of several is the guest's choice.
                RuleKind::Requires => rule.then.len() == 1,
                RuleKind::Excludes => false,
            };
            if comes_along {
                left.extend(rule.then.iter().filter(|other| found.insert(other)));
            }
        }
    }
    found
}

/// Whether an option cannot stand beside these, by a rule of theirs or its own.
fn excluded(
    option: &OptionRef,
    together: &BTreeSet<&OptionRef>,
    rules: &[(usize, &OptionRule)],
) -> bool {
    let excluding = rules
        .iter()
        .filter(|(_, rule)| rule.kind == RuleKind::Excludes);
    excluding.into_iter().any(|(_, rule)| {
        let theirs = together.contains(&rule.when) && rule.then.contains(option);
        let its_own =
            rule.when == *option && rule.then.iter().any(|other| together.contains(other));
        theirs || its_own
    })
}
