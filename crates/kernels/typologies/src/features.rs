//! Rolling counts over the last 30 and 90 days after each transfer, for history that is grouped by
//! sender.

use crate::DAY_MICROS;

/// One transfer of a sender, as the windows need it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sent {
    /// When, microseconds since 1970.
    pub at_micros: i64,
    /// The party that receives it.
    pub recipient: u64,
    /// Minor units.
    pub amount_minor: i64,
    /// Its amount is in the price band of live-streamed abuse that the policy sets for its
    /// currency.
    pub small: bool,
}

/// What a window holds after a transfer, that transfer included.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Rolling {
    /// Transfers.
    pub n: u32,
    /// How many of them are in the price band ([`Sent::small`]).
    pub small: u32,
    /// Recipients.
    pub recipients: u32,
    /// Sum in minor units, saturating; amounts of different currencies are added as they are.
    pub sum_minor: i64,
}

/// Buffers reused from one sender to the next, so that nothing is allocated per sender.
#[derive(Default)]
pub struct Scratch {
    /// For each transfer, the number of its recipient among the sender's.
    local: Vec<u32>,
    /// For each such number, the counts within 30 and 90 days.
    counts: [Vec<u32>; 2],
    sorted: Vec<(u64, u32)>,
}

/// Windows of 30 and 90 days, the later edge included: `(at - days, at]`. Our judgement.
pub const WINDOWS_DAYS: [i64; 2] = [30, 90];

/// Calls `each` after each transfer of one sender, in order, with its number in the slice and both
/// windows. The slice must be in time order.
pub fn of_sender(sent: &[Sent], scratch: &mut Scratch, mut each: impl FnMut(usize, [Rolling; 2])) {
    let distinct = number_recipients(sent, scratch);
    for counts in &mut scratch.counts {
        counts.clear();
        counts.resize(distinct, 0);
    }
    let mut windows = [Rolling::default(); 2];
    let mut from = [0usize; 2];
    for (i, t) in sent.iter().enumerate() {
        for w in 0..2 {
            let oldest = t.at_micros - WINDOWS_DAYS[w] * DAY_MICROS;
            let (window, counts) = (&mut windows[w], &mut scratch.counts[w]);
            window.n += 1;
            window.small += u32::from(t.small);
            window.sum_minor = window.sum_minor.saturating_add(t.amount_minor);
            let count = &mut counts[scratch.local[i] as usize];
            window.recipients += u32::from(*count == 0);
            *count += 1;
            // Ends at `i` at the latest: the transfer itself is newer than `oldest`.
            while sent[from[w]].at_micros <= oldest {
                let gone = &sent[from[w]];
                window.n -= 1;
                window.small -= u32::from(gone.small);
                window.sum_minor = window.sum_minor.saturating_sub(gone.amount_minor);
                let count = &mut counts[scratch.local[from[w]] as usize];
                *count -= 1;
                window.recipients -= u32::from(*count == 0);
                from[w] += 1;
            }
        }
        each(i, windows);
    }
}

/// Up to this number, transfers are compared with one another; more are sorted. Our judgement.
const FEW: usize = 24;

fn number_recipients(sent: &[Sent], scratch: &mut Scratch) -> usize {
    let local = &mut scratch.local;
    local.clear();
    if sent.len() <= FEW {
        let mut distinct = 0;
        for (i, t) in sent.iter().enumerate() {
            let same = sent[..i].iter().position(|s| s.recipient == t.recipient);
            let number = same.map_or(distinct, |s| local[s]);
            distinct += u32::from(same.is_none());
            local.push(number);
        }
        return distinct as usize;
    }
    local.resize(sent.len(), 0);
    let sorted = &mut scratch.sorted;
    sorted.clear();
    sorted.extend(
        sent.iter()
            .enumerate()
            .map(|(i, t)| (t.recipient, i as u32)),
    );
    sorted.sort_unstable();
    let mut distinct = 0;
    for at in 0..sorted.len() {
        if at > 0 && sorted[at].0 != sorted[at - 1].0 {
            distinct += 1;
        }
        local[sorted[at].1 as usize] = distinct;
    }
    // `sent` is longer than FEW here, so there is a last number to add one to.
    distinct as usize + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_slide() {
        let day = |d: i64, recipient: u64| Sent {
            at_micros: d * DAY_MICROS,
            recipient,
            amount_minor: 100,
            small: recipient == 1,
        };
        // Day 30 is the edge: the transfer of day 0 has just left the window of 30 days.
        let sent = [day(0, 1), day(10, 2), day(30, 1), day(100, 1)];
        let mut rows = Vec::new();
        of_sender(&sent, &mut Scratch::default(), |i, w| {
            rows.push((
                i,
                w[0].n,
                w[0].recipients,
                w[1].n,
                w[1].recipients,
                w[1].small,
            ));
        });
        assert_eq!(
            rows,
            [
                (0, 1, 1, 1, 1, 1),
                (1, 2, 2, 2, 2, 1),
                (2, 2, 2, 3, 2, 2),
                (3, 1, 1, 2, 1, 2),
            ]
        );
    }
}
