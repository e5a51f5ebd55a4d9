//! Clusters addresses by union-find, and records for each union the transaction and rule behind it.
//!
//! `Growing` is the union-find of a build: four bytes per address, the smaller tree attached to the root
//! of the larger (union by size). Each union is written once, at the root that stopped being one: its new
//! parent, the two linked addresses, transaction and rule. These rows alone give the path between
//! two addresses: union by size bounds their depth by log₂ of the number of addresses, and the path
//! compression in `nodes` never touches them.
//!
//! `Forest` is a finished base in files, with the unions of the newest blocks as an overlay in memory:
//! removing an orphaned block removes its unions.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use crate::columns::{Column, NONE_4, Writer};
use crate::fx_hash::FxMap;

/// The number of addresses must be below this: one of the 32 bits marks roots. Given by the
/// layout.
pub(crate) const ADDRESSES_MAX: u64 = 1 << 31;
const ROOT: u32 = 1 << 31;

/// A union of the clusters of `a` and `b`: the transaction that links the two addresses, and the
/// code of the rule in [`crate::heuristics::ALL`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Union {
    pub a: u32,
    pub b: u32,
    pub tx: u32,
    pub rule: u8,
}

/// Bytes of a row of links: four each for the new parent and the union's `a`, `b` and `tx`, one for
/// its rule.
const LINK: usize = 17;

/// Files of a forest.
pub(crate) struct Files {
    /// Each address's root; at a root its tree's size.
    roots: PathBuf,
    /// For each former root, the number of the link that attached it, counted from one; 0 for none.
    parents: PathBuf,
    /// Unions in the order they were made.
    links: PathBuf,
}

impl Files {
    pub fn named(folder: &Path, name: &str) -> Self {
        let of = |part: &str| folder.join(format!("{name}.{part}"));
        Self {
            roots: of("roots"),
            parents: of("hung"),
            links: of("links"),
        }
    }
}

/// A forest being built.
pub(crate) struct Growing {
    files: Files,
    /// A parent, or [`ROOT`] and the tree's size.
    nodes: Vec<u32>,
    parents: Column<4>,
    links: Writer<LINK>,
    guard_members: u32,
    /// Unions not yet applied, and whether the guard may refuse them.
    waiting: Vec<(Union, bool)>,
    refused: u64,
    /// The first write that failed.
    fault: Option<io::Error>,
}

/// Unions that are applied together: the nodes of all of them are loaded before the first is
/// needed, so that cache misses overlap. Our judgement.
const TOGETHER: usize = 128;

impl Growing {
    pub fn create(files: Files, addresses: u64) -> io::Result<Self> {
        // Zero means no link, so the file may start sparse: rows never written take no room on the
        // disk.
        File::create(&files.parents)?.set_len(addresses * 4)?;
        Self::with(files, vec![ROOT | 1; addresses as usize], 0)
    }

    fn with(files: Files, nodes: Vec<u32>, links: u64) -> io::Result<Self> {
        Ok(Self {
            parents: Column::write(&files.parents, nodes.len() as u64)?,
            links: Writer::at(&files.links, links)?,
            files,
            nodes,
            guard_members: u32::MAX,
            waiting: Vec::with_capacity(TOGETHER),
            refused: 0,
            fault: None,
        })
    }

    /// Writes a copy, cut to the first `addresses`, for [`Growing::resume`]. No union may yet
    /// concern a later address.
    pub fn snapshot(&mut self, to: &Files, addresses: u64) -> io::Result<()> {
        self.apply_waiting();
        let mut out = Writer::<4>::create(&to.roots)?;
        for some in self.nodes[..addresses as usize].chunks(1 << 16) {
            out.push_words(some)?;
        }
        out.finish()?;
        // The file is copied by its name, so nothing may wait in the buffer.
        self.links.flush()?;
        self.parents.flush()?;
        std::fs::copy(&self.files.links, &to.links)?;
        std::fs::copy(&self.files.parents, &to.parents)?;
        let file = File::options().write(true).open(&to.parents)?;
        // Cuts off only zeros: no union so far concerns a later address.
        file.set_len(addresses * 4)
    }

    /// Resumes from a snapshot of `addresses` addresses.
    pub fn resume(files: Files, addresses: u64) -> io::Result<Self> {
        let column = Column::<4>::read(&files.roots, addresses)?;
        let nodes = (0..addresses).map(|n| column.get(n) as u32).collect();
        // Whole rows: the original was flushed before it was copied.
        let links = std::fs::metadata(&files.links)?.len() / LINK as u64;
        Self::with(files, nodes, links)
    }

    /// Refuses unions of two clusters that both have more members than this.
    pub fn guarded(mut self, members: u32) -> Self {
        self.guard_members = members;
        self
    }

    #[inline]
    pub fn root(&mut self, mut n: u32) -> u32 {
        loop {
            let parent = self.nodes[n as usize];
            if parent & ROOT != 0 {
                return n;
            }
            let above = self.nodes[parent as usize];
            if above & ROOT != 0 {
                return parent;
            }
            // Path halving is safe in `nodes`: the record is in `parents` and `links`.
            self.nodes[n as usize] = above;
            n = above;
        }
    }

    /// Queues a union, which the guard may refuse.
    pub fn union(&mut self, union: Union) {
        self.later(union, true);
    }

    /// Queues a union that the guard does not check.
    pub fn union_always(&mut self, union: Union) {
        self.later(union, false);
    }

    #[inline]
    fn later(&mut self, union: Union, guarded: bool) {
        self.waiting.push((union, guarded));
        if self.waiting.len() == TOGETHER {
            self.apply_waiting();
        }
    }

    fn apply_waiting(&mut self) {
        let waiting = std::mem::take(&mut self.waiting);
        // Loads only, issued together, so that their cache misses overlap.
        let mut asked = 0;
        for (union, _) in &waiting {
            let above = self.nodes[union.b as usize];
            asked ^= self.nodes[union.a as usize] ^ above;
            if above & ROOT == 0 {
                asked ^= self.nodes[above as usize];
            }
        }
        // Otherwise the compiler drops loads whose result is unused.
        std::hint::black_box(asked);
        for (union, guarded) in &waiting {
            let largest = if *guarded {
                self.guard_members
            } else {
                u32::MAX
            };
            self.refused += u64::from(!self.union_unless(*union, largest));
        }
        // Put back, so that its memory is used again.
        self.waiting = waiting;
        self.waiting.clear();
    }

    #[inline]
    fn union_unless(&mut self, union: Union, guard_members: u32) -> bool {
        let (x, y) = (self.root(union.a), self.root(union.b));
        if x == y {
            return true;
        }
        let size = |n: u32| self.nodes[n as usize] & !ROOT;
        // By size, so that no chain of links in the record is longer than 31.
        let (small, large) = if size(x) < size(y) { (x, y) } else { (y, x) };
        // The smaller one decides: a small cluster may join one of any size.
        if size(small) > guard_members {
            return false;
        }
        self.nodes[large as usize] = ROOT | (size(small) + size(large));
        self.nodes[small as usize] = large;
        let row = link_row(large, &union);
        // Kept until `finish`: callers make unions from closures that return nothing.
        if let Err(e) = self.links.push(row) {
            self.fault.get_or_insert(e);
        }
        // After the push, so links count from one and zero means none.
        self.parents.set(u64::from(small), self.links.rows());
        true
    }

    /// Releases the mapped pages written so far.
    pub fn let_go(&mut self) -> io::Result<()> {
        self.apply_waiting();
        self.parents.flush()?;
        self.parents = Column::write(&self.files.parents, self.nodes.len() as u64)?;
        Ok(())
    }

    /// Writes what isn't written yet, and reports the first write that failed. Returns the number
    /// of unions in the file and how many the guard refused.
    pub fn finish(mut self) -> io::Result<(u64, u64)> {
        self.apply_waiting();
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        let mut out = Writer::<4>::create(&self.files.roots)?;
        // Flattened only at the end; from then on a lookup is a single read.
        for n in 0..self.nodes.len() as u32 {
            if self.nodes[n as usize] & ROOT == 0 {
                self.nodes[n as usize] = self.root(n);
            }
        }
        for some in self.nodes.chunks(1 << 16) {
            out.push_words(some)?;
        }
        out.finish()?;
        self.parents.flush()?;
        Ok((self.links.finish()?, self.refused))
    }
}

fn link_row(to: u32, union: &Union) -> [u8; LINK] {
    let mut row = [0; LINK];
    for (n, number) in [to, union.a, union.b, union.tx].into_iter().enumerate() {
        row[n * 4..n * 4 + 4].copy_from_slice(&number.to_le_bytes());
    }
    row[16] = union.rule;
    row
}

/// The parent of a former root, the union that attached it, and that union's sequence number.
type Link = (u32, Union, u64);

fn link_of_row(row: &[u8; LINK], sequence: u64) -> Link {
    let number =
        |n: usize| u32::from_le_bytes(row[n * 4..n * 4 + 4].try_into().expect("4-byte slice"));
    let union = Union {
        a: number(1),
        b: number(2),
        tx: number(3),
        rule: row[16],
    };
    (number(0), union, sequence)
}

/// A finished forest, for queries.
pub(crate) struct Forest {
    roots: Column<4>,
    parents: Column<4>,
    links: Column<LINK>,
    /// Number of addresses in the base.
    base: u32,
    over: FxMap<u32, Link>,
    sizes: FxMap<u32, u32>,
    guard_members: u32,
}

impl Forest {
    /// Opens a base of `base` addresses and `links` unions.
    pub fn open(files: &Files, base: u64, links: u64) -> io::Result<Self> {
        Ok(Self {
            roots: Column::read(&files.roots, base)?,
            parents: Column::read(&files.parents, base)?,
            links: Column::read(&files.links, links)?,
            base: base as u32,
            over: FxMap::default(),
            sizes: FxMap::default(),
            guard_members: u32::MAX,
        })
    }

    pub fn guarded(mut self, members: u32) -> Self {
        self.guard_members = members;
        self
    }

    fn base_root(&self, address: u32) -> u32 {
        // Newer than the base: alone, until the overlay says otherwise.
        if address >= self.base {
            return address;
        }
        let row = self.roots.get(u64::from(address)) as u32;
        if row & ROOT == 0 { row } else { address }
    }

    /// How many members the cluster with this root has.
    pub fn size(&self, root: u32) -> u32 {
        self.sizes.get(&root).copied().unwrap_or_else(|| {
            if root < self.base {
                self.roots.get(u64::from(root)) as u32 & !ROOT
            } else {
                1
            }
        })
    }

    /// The root address of the cluster.
    pub fn root(&self, address: u32) -> u32 {
        let mut root = self.base_root(address);
        while let Some((to, _, _)) = self.over.get(&root) {
            root = *to;
        }
        root
    }

    /// Adds a union of one of the newest blocks, unless the guard refuses it.
    pub fn union(&mut self, union: Union) {
        self.union_unless(union, self.guard_members);
    }

    /// Adds a union without asking the guard.
    pub fn union_always(&mut self, union: Union) {
        self.union_unless(union, u32::MAX);
    }

    fn union_unless(&mut self, union: Union, guard_members: u32) {
        let (x, y) = (self.root(union.a), self.root(union.b));
        if x == y {
            return;
        }
        let (of_x, of_y) = (self.size(x), self.size(y));
        let (small, large) = if of_x < of_y { (x, y) } else { (y, x) };
        if of_x.min(of_y) > guard_members {
            return;
        }
        self.sizes.insert(large, of_x + of_y);
        let sequence = OVER | self.over.len() as u64;
        self.over.insert(small, (large, union, sequence));
    }

    fn link(&self, root: u32) -> Option<Link> {
        if let Some(link) = self.over.get(&root) {
            return Some(*link);
        }
        if root < self.base {
            // Zero: never attached, so still a root of the base.
            let nth = self.parents.get(u64::from(root)).checked_sub(1)?;
            return Some(link_of_row(self.links.row(nth), nth));
        }
        None
    }

    /// Unions that lead from one address to the other, in order; `None` if the two are in different
    /// clusters.
    pub fn way(&self, from: u32, to: u32) -> Option<Vec<Union>> {
        let mut way = Vec::new();
        // Pairs still to be linked, the nearest last.
        let mut open = vec![(from, to)];
        while let Some((x, y)) = open.pop() {
            if x == y {
                continue;
            }
            let (union, x_first) = self.latest_between(x, y)?;
            let (near, far) = if x_first {
                (union.a, union.b)
            } else {
                (union.b, union.a)
            };
            if x == near && y == far {
                way.push(union);
            } else {
                // In reverse, because the last one pushed is walked first.
                open.push((far, y));
                open.push((near, far));
                open.push((x, near));
            }
        }
        Some(way)
    }

    /// The union that merged the clusters of two addresses, and whether its `a` is on the first
    /// one's side.
    fn latest_between(&self, x: u32, y: u32) -> Option<(Union, bool)> {
        let above = |mut n: u32| {
            let mut all = vec![n];
            while let Some((to, _, _)) = self.link(n) {
                all.push(to);
                n = to;
            }
            all
        };
        let (xs, ys) = (above(x), above(y));
        let common = *xs.iter().find(|n| ys.contains(n))?;
        // On each side, the link just below the common root. The later of the two merged the
        // clusters.
        let last = |all: &[u32]| {
            let at = all.iter().position(|n| *n == common)?;
            let child = *all.get(at.checked_sub(1)?)?;
            self.link(child)
                .map(|(_, union, sequence)| (child, union, sequence))
        };
        let side = |child: u32, union: &Union, of_x: bool| {
            // Either `a` is in the child's subtree, or `b` is.
            let a_below = above(union.a).contains(&child);
            (*union, a_below == of_x)
        };
        match (last(&xs), last(&ys)) {
            (Some((c, j, _)), None) => Some(side(c, &j, true)),
            (None, Some((c, j, _))) => Some(side(c, &j, false)),
            (Some((c, j, first)), Some((d, k, second))) => Some(if first > second {
                side(c, &j, true)
            } else {
                side(d, &k, false)
            }),
            (None, None) => None,
        }
    }
}

/// Sequence numbers of overlay unions start here, above all of the base.
const OVER: u64 = 1 << 40;

/// No address.
pub(crate) const NO_ADDRESS: u32 = NONE_4 as u32;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Walks the unions from one address to the other.
    fn leads(way: &[Union], from: u32, to: u32) -> bool {
        let mut at = from;
        for union in way {
            at = if union.a == at {
                union.b
            } else if union.b == at {
                union.a
            } else {
                return false;
            };
        }
        at == to
    }

    proptest! {
        /// Exactly those pairs of addresses that naive colouring puts together are linked by recorded
        /// unions, however many unions are in the overlay.
        #[test]
        fn ways_lead_from_one_to_the_other(pairs in proptest::collection::vec((0u32..40, 0u32..40), 0..60), split in 0usize..60) {
            let folder = tempfile::tempdir().unwrap();
            let files = || Files::named(folder.path(), "forest");
            let joins: Vec<Union> = (0..).zip(&pairs).filter(|(_, (a, b))| a != b).map(|(tx, (a, b))| Union { a: *a, b: *b, tx: (tx * 7) % 5, rule: 0 }).collect();
            let split = split.min(joins.len());
            let mut growing = Growing::create(files(), 40).unwrap();
            for union in &joins[..split] {
                growing.union(*union);
            }
            let (links, _) = growing.finish().unwrap();
            let mut forest = Forest::open(&files(), 40, links).unwrap();
            for union in &joins[split..] {
                forest.union(*union);
            }
            let mut colour: Vec<u32> = (0..40).collect();
            for union in &joins {
                let (x, y) = (colour[union.a as usize], colour[union.b as usize]);
                colour.iter_mut().filter(|c| **c == x).for_each(|c| *c = y);
            }
            for from in 0..40 {
                for to in 0..40 {
                    let together = colour[from as usize] == colour[to as usize];
                    prop_assert_eq!(forest.root(from) == forest.root(to), together);
                    let way = forest.way(from, to);
                    prop_assert_eq!(way.is_some(), together, "{} {}", from, to);
                    if let Some(way) = way {
                        prop_assert!(leads(&way, from, to), "{} {} {:?}", from, to, way);
                        prop_assert!(way.iter().all(|j| joins.contains(j)));
                    }
                }
                let size = colour.iter().filter(|c| **c == colour[from as usize]).count() as u32;
                prop_assert_eq!(forest.size(forest.root(from)), size);
            }
        }
    }

    #[test]
    fn the_guard_refuses_to_merge_two_large_clusters() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::named(folder.path(), "forest");
        let mut growing = Growing::create(files, 10).unwrap().guarded(2);
        let union = |a, b| Union {
            a,
            b,
            tx: 0,
            rule: 0,
        };
        // Two clusters of three, both above the limit of two.
        for (a, b) in [(0, 1), (1, 2), (3, 4), (4, 5)] {
            growing.union(union(a, b));
        }
        growing.apply_waiting();
        assert_eq!(growing.refused, 0);
        growing.union(union(2, 3));
        // Allowed: one of the two sides has a single address.
        growing.union(union(2, 9));
        growing.apply_waiting();
        assert_eq!(growing.refused, 1);
    }
}
