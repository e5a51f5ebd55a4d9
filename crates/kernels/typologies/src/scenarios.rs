//! What indicators add up to: each scenario needs two signals that share no observation.

use std::sync::LazyLock;

use crate::indicators::{Counts, group};
use crate::texts::Texts;
use crate::{Fired, Role, Side};

/// A combination of two independent signals that raises an alert.
#[derive(Debug)]
pub struct Scenario {
    /// Its name, as alerts carry it.
    pub name: &'static str,
    /// Its title, in both languages.
    pub title: Texts,
    /// Advice for the reader of the alert: what to do first.
    pub advice: Texts,
    /// Which side of a party it is about.
    pub side: Side,
    /// What the party may be.
    pub role: Role,
    /// One of these indicators must have fired; with each come the groups in which a second signal
    /// counts.
    anchors: &'static [(&'static str, u16)],
}

/// Every group except the two that only signs of blackmail have. X03 is in PURCHASE like others;
/// [`Scenario::hears`] keeps it out.
const ANY: u16 = !(group::SERIES | group::BURST);

/// Every scenario. If several hold, the first counts.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "sextortion victim",
        title: Texts {
            en: "possible victim of sextortion",
            de: "mögliches Opfer sexueller Erpressung",
        },
        advice: Texts {
            en: "Treat this person as a possible victim: no report names them as a suspect. Speak to them, or to a minor's parents, before anything is blocked; advise them to stop paying, to keep the messages, and where to get help.",
            de: "Dieser Mensch braucht vielleicht Hilfe: Keine Meldung nennt ihn als verdächtig. Sprechen Sie mit ihm, bei Minderjährigen mit den Eltern, bevor etwas gesperrt wird; raten Sie, nichts mehr zu zahlen, die Nachrichten aber zu sichern, und sagen Sie, wo es Hilfe gibt.",
        },
        side: Side::Sender,
        role: Role::PossibleVictim,
        anchors: &[
            // Several payments within days to a new recipient.
            ("X01", group::SERIES | group::PURCHASE),
            // Begins small, rises and stops.
            ("X02", group::PURCHASE),
        ],
    },
    Scenario {
        name: "buyer with many recipients",
        title: Texts {
            en: "possible buyer with many recipients",
            de: "möglicher Käufer mit vielen Empfängern",
        },
        advice: Texts {
            en: "Look at the recipients first: who else pays them? Say nothing to the customer.",
            de: "Zuerst die Empfänger ansehen: Wer zahlt noch an sie? Dem Kunden nichts sagen.",
        },
        side: Side::Sender,
        role: Role::PossibleBuyer,
        // Small transfers to several recipients who are not family.
        anchors: &[("S01", ANY)],
    },
    Scenario {
        name: "loyal small payer",
        title: Texts {
            en: "possible buyer, loyal to few recipients",
            de: "möglicher Käufer, wenigen Empfängern treu",
        },
        advice: Texts {
            en: "Family support looks similar: look for a link, and read the references. Don't inform the customer.",
            de: "Unterhalt für die Familie sieht ähnlich aus: Verbindung und Verwendungszwecke prüfen. Den Kunden nicht informieren.",
        },
        side: Side::Sender,
        role: Role::PossibleBuyer,
        anchors: &[
            // Repeated small payments at short gaps.
            ("S03", ANY),
            // Extreme number of small payments.
            ("S18", ANY),
            // Price band of live-streamed abuse.
            ("S02", group::SHARING),
            // At night to one crypto address.
            ("S17", ANY),
        ],
    },
    Scenario {
        name: "collector mule",
        title: Texts {
            en: "possible collector who passes money on",
            de: "möglicher Sammler, der Geld weiterleitet",
        },
        advice: Texts {
            en: "Check where the money goes next, and whether the payers may be victims.",
            de: "Ansehen, wohin das Geld weitergeht, und ob die Zahler Opfer sein könnten.",
        },
        side: Side::Recipient,
        role: Role::PossibleFacilitator,
        // Several unrelated senders pay the same person; for X04, within 30 days.
        anchors: &[("X04", group::OUTFLOW), ("R01", group::OUTFLOW)],
    },
    Scenario {
        name: "recipient of many unrelated senders",
        title: Texts {
            en: "possible facilitator paid by many unrelated senders",
            de: "möglicher Vermittler, von vielen unverbundenen Absendern bezahlt",
        },
        advice: Texts {
            en: "A shop or a charity looks similar: check what else is known of the recipient, then its senders.",
            de: "Laden oder Hilfswerk sehen ähnlich aus: prüfen, was sonst bekannt ist, dann die Absender ansehen.",
        },
        side: Side::Recipient,
        role: Role::PossibleFacilitator,
        // Several unrelated senders pay the same person; very small credits from many payers.
        anchors: &[("R01", ANY), ("R05", ANY)],
    },
];

/// The order in which indicators are evaluated, as places in [`crate::indicators::ALL`]; most
/// parties are finished after the first lists.
pub(crate) struct EvaluationOrder {
    /// Anchors that any second signal completes, and anchors among the X indicators. Evaluated
    /// first.
    pub anchors: Vec<usize>,
    /// Anchors that need a second signal of certain groups.
    pub weak_anchors: Vec<usize>,
    /// Indicators that need look-ups of parties.
    pub linked: Vec<usize>,
    /// Indicators that can complete a scenario with a weak anchor and read only the party's own
    /// transfers.
    pub beside_weak: Vec<usize>,
    /// The remaining ones.
    pub rest: Vec<usize>,
}

pub(crate) fn asked(side: Side) -> &'static EvaluationOrder {
    static ASKED: LazyLock<[EvaluationOrder; 2]> =
        LazyLock::new(|| [sort(Side::Sender), sort(Side::Recipient)]);
    &ASKED[usize::from(side == Side::Recipient)]
}

fn sort(side: Side) -> EvaluationOrder {
    let of_side = |s: &&Scenario| s.side == side;
    let anchors: Vec<&(&str, u16)> = SCENARIOS
        .iter()
        .filter(of_side)
        .flat_map(|s| s.anchors)
        .collect();
    let strong = |id: &str| {
        // The X indicators rarely fire, so they are evaluated first although few signals complete
        // them.
        anchors
            .iter()
            .any(|a| a.0 == id && (a.1 == ANY || id.starts_with('X')))
    };
    // Only indicators of these groups can complete a scenario with a weak anchor, so they are
    // evaluated before the rest.
    let weak_groups = anchors
        .iter()
        .filter(|a| !strong(a.0))
        .fold(0, |groups, a| groups | a.1);
    let mut asked = EvaluationOrder {
        anchors: Vec::new(),
        weak_anchors: Vec::new(),
        linked: Vec::new(),
        beside_weak: Vec::new(),
        rest: Vec::new(),
    };
    for (place, i) in crate::indicators::ALL.iter().enumerate() {
        if !i.sides.contains(&side) {
            continue;
        }
        let groups = match i.counts {
            Counts::Signal(groups) => groups,
            Counts::Association | Counts::Shown => 0,
        };
        // These need look-ups of parties, which are worth it only once an anchor has fired: S16
        // (the party is in a confirmed case), R02 (a confirmed party is near), and on the sender's
        // side R01 (a shared recipient).
        let linked = matches!(i.id, "S16" | "R02") || (i.id == "R01" && side == Side::Sender);
        let list = if linked {
            &mut asked.linked
        } else if strong(i.id) {
            &mut asked.anchors
        } else if anchors.iter().any(|a| a.0 == i.id) {
            &mut asked.weak_anchors
        } else if groups & weak_groups != 0 {
            &mut asked.beside_weak
        } else {
            &mut asked.rest
        };
        list.push(place);
    }
    asked
}

impl Scenario {
    /// The scenario of that name.
    pub fn by_name(name: &str) -> Option<&'static Scenario> {
        SCENARIOS.iter().find(|s| s.name == name)
    }

    /// True when what fired holds an anchor and a second, independent signal.
    pub(crate) fn holds(&self, fired: &[Fired]) -> bool {
        self.anchors.iter().any(|(anchor, seconds)| {
            let Some(groups) = fired
                .iter()
                .filter(|f| f.indicator().id == *anchor)
                .find_map(signal_groups)
            else {
                return false;
            };
            // The anchor shares its groups with itself and so never counts as the second signal.
            fired
                .iter()
                .filter(|f| self.hears(f))
                .filter_map(signal_groups)
                .any(|g| g & groups == 0 && g & seconds != 0)
        })
    }

    /// True when the indicator counts in this scenario: X01 to X03, the signs of blackmail, count
    /// for victims only, and nothing else counts for victims.
    pub(crate) fn hears(&self, fired: &Fired) -> bool {
        // Not X04: it is about the collector, who may well be a suspect.
        let victims_own = matches!(fired.indicator().id, "X01" | "X02" | "X03");
        victims_own == (self.role == Role::PossibleVictim)
    }
}

fn signal_groups(fired: &Fired) -> Option<u16> {
    match fired.indicator().counts {
        Counts::Signal(groups) => Some(groups),
        Counts::Association | Counts::Shown => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anchors_are_signals() {
        for s in SCENARIOS {
            for (id, _) in s.anchors {
                let i = crate::indicators::ALL[crate::indicators::place(id).unwrap()];
                assert!(matches!(i.counts, Counts::Signal(_)), "{id}");
                assert!(i.sides.contains(&s.side), "{id}");
            }
        }
    }
}
