//! Compares an index with a naive reading of the same blocks that keeps everything in maps, and
//! checks that damaged files are reported with file and offset.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use bitcoin_slices::{Visit as _, Visitor, bsl};
use obhut_chain::{
    Build, Coin, Fault, Hash, Index, Key, Network, build, follow, hash_text, probes, why,
};
use obhut_fakes::chain::{GeneratedChain, Recipe, STALE_AT, make};
use sha2::{Digest as _, Sha256};

const RECIPE: Recipe = Recipe {
    // Enough for blocks above height STALE_AT, where two are orphaned.
    inputs: 60_000,
    seed: 3,
    site: 300,
};

fn made(folder: &Path) -> GeneratedChain {
    make(&RECIPE, &folder.join("blocks")).unwrap()
}

fn with<R>(folder: &Path, network: Network, live: bool, f: impl FnOnce(&Build<'_>) -> R) -> R {
    f(&Build {
        network,
        blocks: &folder.join("blocks"),
        index: &folder.join("index"),
        secret: [1, 2, 3 | 1 << 40, 5 | 1 << 41],
        threads: 2,
        live,
        progress: &|_| {},
    })
}

fn index(folder: &Path) -> Result<Index, Fault> {
    with(folder, Network::Regtest, false, build)?;
    Index::open(&folder.join("index"))
}

fn hash(parts: &[&[u8]]) -> Hash {
    Sha256::digest(Sha256::digest(parts.concat())).into()
}

/// The file's blocks, unmasked and in file order, and where each ends.
fn records(path: &Path) -> Vec<(Vec<u8>, usize)> {
    let mut bytes = fs::read(path).unwrap();
    let key = fs::read(path.with_file_name("xor.dat")).unwrap();
    for (n, b) in bytes.iter_mut().enumerate() {
        *b ^= key[n % 8];
    }
    let (mut at, mut all) = (0, Vec::new());
    while bytes[at..at + 4] == Network::Regtest.magics()[0] {
        let size = u32::from_le_bytes(bytes[at + 4..at + 8].try_into().unwrap()) as usize;
        at += 8 + size;
        all.push((bytes[at - size..at].to_vec(), at));
    }
    all
}

/// A transaction as parsed: its inputs are outpoints, without value and address.
#[derive(Default)]
struct Plain {
    id: Hash,
    ins: Vec<(Hash, u32)>,
    outs: Vec<(u64, Key)>,
}

#[derive(Default)]
struct Reading {
    now: Plain,
    all: Vec<Plain>,
}

impl Visitor for Reading {
    fn visit_tx_in(&mut self, _: usize, i: &bsl::TxIn<'_>) -> ControlFlow<()> {
        let b = i.as_ref();
        let vout = u32::from_le_bytes(b[32..36].try_into().unwrap());
        self.now.ins.push((b[..32].try_into().unwrap(), vout));
        ControlFlow::Continue(())
    }

    fn visit_tx_out(&mut self, _: usize, o: &bsl::TxOut<'_>) -> ControlFlow<()> {
        let key = Key::of_script(o.script_pubkey());
        self.now.outs.push((o.value(), key));
        ControlFlow::Continue(())
    }

    fn visit_transaction(&mut self, t: &bsl::Transaction<'_>) -> ControlFlow<()> {
        let mut now = std::mem::take(&mut self.now);
        let (a, b, c) = t.txid_preimage();
        now.id = hash(&[a, b, c]);
        self.all.push(now);
        ControlFlow::Continue(())
    }
}

/// The longest chain's transactions in order, read the plain way.
fn naive(folder: &Path) -> Vec<Plain> {
    let file = folder.join("blocks/blk00000.dat");
    let blocks: Vec<Vec<u8>> = records(&file).into_iter().map(|r| r.0).collect();
    let by: HashMap<Hash, &Vec<u8>> = blocks.iter().map(|b| (hash(&[&b[..80]]), b)).collect();
    let back = |tip: &Vec<u8>| {
        let mut chain = vec![tip.clone()];
        while let Some(before) = by.get(&chain[chain.len() - 1][4..36]) {
            chain.push((*before).clone());
        }
        chain
    };
    // All blocks have the same difficulty, so the longest chain has the most work.
    let chain = blocks.iter().map(back).max_by_key(Vec::len).unwrap();
    let mut reading = Reading::default();
    for block in chain.iter().rev() {
        bsl::Block::visit(block, &mut reading).unwrap();
    }
    reading.all
}

fn outputs(naive: &[Plain]) -> HashMap<(Hash, u32), (u64, Key)> {
    let outs = |t: &Plain| -> Vec<_> { (0..).zip(&t.outs).map(|(n, o)| ((t.id, n), *o)).collect() };
    naive.iter().flat_map(outs).collect()
}

/// Checks each transaction's id, inputs and outputs against the blocks.
fn agrees(index: &Index, naive: &[Plain]) {
    assert_eq!(index.sizes()[0], naive.len() as u64);
    let outs = outputs(naive);
    let of = |c: &Coin| (c.satoshi, c.address.map(|a| index.key(a)));
    for (number, t) in (0..).zip(naive) {
        let ours = index.transaction(number);
        assert_eq!(hash_text(&ours.id), hash_text(&t.id));
        assert_eq!(index.find_transaction(&t.id), Some(number));
        let made: Vec<_> = ours.outs.iter().map(of).collect();
        let theirs: Vec<_> = t.outs.iter().map(|o| (o.0, Some(o.1))).collect();
        assert_eq!(made, theirs);
        // The plain reading keeps a coinbase's empty input, the index does not.
        if !ours.coinbase {
            let spent: Vec<_> = ours.ins.iter().map(of).collect();
            let theirs = t.ins.iter().map(|i| outs[i]).map(|o| (o.0, Some(o.1)));
            assert_eq!(spent, theirs.collect::<Vec<_>>());
        }
    }
}

/// Checks the forward references: who spends each output, and who paid each address.
fn forward_agrees(index: &Index, naive: &[Plain]) {
    let mut spent: HashMap<(Hash, u32), u64> = HashMap::new();
    let mut paid: HashMap<Key, Vec<u64>> = HashMap::new();
    for (number, t) in (0..).zip(naive) {
        spent.extend(t.ins.iter().map(|i| (*i, number)));
        for (_, key) in &t.outs {
            // In front: the index lists the newest first.
            paid.entry(*key).or_default().insert(0, number);
        }
    }
    for (number, t) in (0..).zip(naive) {
        for vout in 0..t.outs.len() as u32 {
            let expected = spent.get(&(t.id, vout)).copied();
            let found = probes::spender(index, number, vout);
            assert_eq!(found, expected, "{}:{vout}", hash_text(&t.id));
        }
    }
    for (key, expected) in &paid {
        let address = index.find(key).unwrap();
        assert_eq!(&probes::payments_to(index, address), expected);
    }
}

/// Strong clusters are what naive colouring gives: each transaction recolours its inputs alike.
fn clusters_agree(index: &Index, naive: &[Plain]) {
    let outs = outputs(naive);
    let id = |key: &Key| index.find(key).unwrap();
    let mut members: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    let mut colour: HashMap<u32, u32> = HashMap::new();
    for (_, key) in outs.values() {
        colour.insert(id(key), id(key));
        members.insert(id(key), vec![id(key)]);
    }
    for (number, t) in (0..).zip(naive) {
        // Which ones are CoinJoins is taken from the index: only the clustering is compared here.
        if index.transaction(number).coinjoin.is_some() {
            continue;
        }
        let ins: Vec<u32> = t
            .ins
            .iter()
            .filter_map(|i| outs.get(i))
            .map(|o| id(&o.1))
            .collect();
        for other in ins.iter().skip(1) {
            let (to, from) = (colour[&ins[0]], colour[other]);
            if to != from {
                let moved = members.remove(&from).unwrap();
                for m in &moved {
                    colour.insert(*m, to);
                }
                members.get_mut(&to).unwrap().extend(moved);
            }
        }
    }
    let mut roots: HashMap<u32, u32> = HashMap::new();
    for (address, colour) in &colour {
        let root = index.strong_cluster(*address);
        assert_eq!(*roots.entry(root).or_insert(*colour), *colour);
    }
    // Every root has one colour; equal numbers say that no cluster is split.
    assert_eq!(roots.len(), members.len());
}

#[test]
fn an_index_says_what_the_blocks_say() {
    let folder = tempfile::tempdir().unwrap();
    let made = made(folder.path());
    let index = index(folder.path()).unwrap();
    let naive = naive(folder.path());
    assert_eq!(index.tip().0 + 1, made.blocks);
    agrees(&index, &naive);
    forward_agrees(&index, &naive);
    clusters_agree(&index, &naive);
}

#[test]
fn following_block_by_block_gives_the_same_index_and_removes_orphaned_blocks() {
    // Only two records are built, so the blocks that will be orphaned are appended and then
    // removed.
    following_from(1);
}

#[test]
fn orphaned_blocks_of_the_build_leave_nothing_behind() {
    // The build ends with the two blocks that will be orphaned.
    following_from(STALE_AT as usize + 1);
}

/// Builds from the first records and follows the others, compacting on the way.
fn following_from(first: usize) {
    let folder = tempfile::tempdir().unwrap();
    made(folder.path());
    let whole = index(folder.path()).unwrap();
    let other = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("blocks"), other.path().join("blocks"));
    fs::create_dir(&to).unwrap();
    for name in ["rev00000.dat", "xor.dat"] {
        fs::copy(from.join(name), to.join(name)).unwrap();
    }
    let bytes = fs::read(from.join("blk00000.dat")).unwrap();
    let records = records(&from.join("blk00000.dat"));
    let ends: Vec<usize> = records.iter().map(|r| r.1).collect();
    let cut = |bytes: &[u8]| fs::write(to.join("blk00000.dat"), bytes).unwrap();
    // Height of the second of the two blocks that will be orphaned.
    let lost = STALE_AT as usize + 1;
    cut(&bytes[..ends[first]]);
    index(other.path()).unwrap();
    let last = whole.payer(whole.sizes()[0] - 1).unwrap();
    let watched: HashSet<Key> = HashSet::from([whole.key(last)]);
    let (mut orphaned, mut appended, mut compactions) = (0, 0, 0);
    for n in first + 1..ends.len() {
        // The node is writing the next one.
        let writing = ends.get(n + 1).map_or(ends[n], |next| (ends[n] + next) / 2);
        cut(&bytes[..writing]);
        // An append that was cut off leaves rows that no manifest counts.
        for file in fs::read_dir(other.path().join("index/columns-1")).unwrap() {
            let mut file = fs::File::options().append(true).open(file.unwrap().path());
            std::io::Write::write_all(file.as_mut().unwrap(), &[0xa5; 777]).unwrap();
        }
        let followed = with(other.path(), Network::Regtest, true, follow).unwrap();
        // Compacts after each block, from the third on; every third time only its first step is
        // done.
        if n > first + 2 {
            // Three blocks stay out, because two may be orphaned.
            probes::compact(&other.path().join("index"), 3, n % 3 == 0).unwrap();
            compactions += 1;
        }
        orphaned += followed.orphaned;
        appended += followed.appended;
    }
    assert_eq!(orphaned, 2);
    let manifest = fs::read_to_string(other.path().join("index/manifest")).unwrap();
    // Fewer runs than compactions: some were merged. Built late, it has too few compactions to merge.
    let runs = manifest.lines().find(|l| l.starts_with("runs ")).unwrap();
    assert!(
        first > 1 || compactions > 9 && (1..6).contains(&(runs.split_whitespace().count() - 1)),
        "{runs}"
    );
    // With nothing left in the overlay, every answer below comes from the columns.
    probes::compact(&other.path().join("index"), 0, false).unwrap();
    assert_eq!(appended as usize, ends.len() - 1 - first);
    let steps = Index::open(&other.path().join("index")).unwrap();
    // Above the two orphaned heights.
    let moved = steps.movements(&watched, lost as u64 + 1);
    assert!(moved.iter().any(|m| !m.incoming), "the last payer moved");
    assert_eq!(moved, whole.movements(&watched, lost as u64 + 1));
    let naive = naive(folder.path());
    assert_eq!(steps.tip(), whole.tip());
    agrees(&steps, &naive);
    forward_agrees(&steps, &naive);
    clusters_agree(&steps, &naive);
    for number in 0..whole.sizes()[0] {
        let (one, other) = (whole.transaction(number), steps.transaction(number));
        assert_eq!(one.change, other.change);
    }
}

#[test]
fn what_links_two_addresses_is_shown_and_can_be_proved() {
    let folder = tempfile::tempdir().unwrap();
    made(folder.path());
    let index = index(folder.path()).unwrap();
    let mut tried = 0;
    for number in (0..index.sizes()[0]).rev() {
        let t = index.transaction(number);
        let addresses: Vec<u32> = t.ins.iter().filter_map(|c| c.address).collect();
        let (Some(a), Some(b)) = (addresses.first(), addresses.last()) else {
            continue;
        };
        if a == b || t.coinjoin.is_some() {
            continue;
        }
        let why = why(&index, *a, *b).expect("spent together");
        assert_eq!(why.steps.len(), 1);
        assert!(why.shortest);
        let proof = index.prove(why.steps[0].tx).unwrap();
        assert!(proof.holds());
        let mut other = proof.clone();
        other.bytes[10] ^= 1;
        assert!(!other.holds());
        let mut other = proof.clone();
        // In the Merkle root, bytes 36 to 67.
        other.header[40] ^= 1;
        assert!(!other.holds());
        tried += 1;
        if tried == 20 {
            return;
        }
    }
    panic!("too few payments with two inputs");
}

#[test]
fn each_fault_says_where_it_is_or_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    made(folder.path());
    let path = |name: &str| folder.path().join("blocks").join(name);
    let (blk, rev, xor) = (path("blk00000.dat"), path("rev00000.dat"), path("xor.dat"));
    let good = [&blk, &rev, &xor].map(|p| fs::read(p).unwrap());
    let [good_blk, good_rev, key] = &good;
    let ends: Vec<usize> = records(&blk).iter().map(|r| r.1).collect();
    let masked = |plain: Vec<u8>| -> Vec<u8> {
        plain
            .iter()
            .zip(key.iter().cycle())
            .map(|(a, b)| a ^ b)
            .collect()
    };
    let plain = masked(good_blk.clone());
    let fails = |is: fn(&Fault) -> bool, words: &[&str]| {
        let fault = index(folder.path()).unwrap_err();
        assert!(is(&fault), "{fault:?}");
        let text = fault.to_string();
        for word in words {
            assert!(text.contains(word), "{text}");
        }
        for (p, bytes) in [&blk, &rev, &xor].iter().zip(&good) {
            fs::write(p, bytes).unwrap();
        }
    };
    let fault = with(folder.path(), Network::Mainnet, false, build).unwrap_err();
    assert!(
        fault
            .to_string()
            .contains("belongs to regtest, not mainnet"),
        "{fault}"
    );

    fs::remove_file(&rev).unwrap();
    fails(
        |f| matches!(f, Fault::NoUndoFile { .. }),
        &["rev00000.dat", "copy the file"],
    );
    fs::write(&rev, &good_rev[..good_rev.len() / 2]).unwrap();
    fails(
        |f| matches!(f, Fault::NoUndo { .. }),
        &["rev00000.dat", "height"],
    );
    let mut bad = good_rev.clone();
    // Inside some record, whose checksum must fail.
    bad[30_000] ^= 1;
    fs::write(&rev, bad).unwrap();
    fails(
        |f| {
            matches!(
                f,
                Fault::NoUndo {
                    offset: Some(_),
                    ..
                }
            )
        },
        &["offset", "fails its checksum"],
    );

    fs::write(&xor, [1, 2, 3, 4, 5, 6, 7, 8]).unwrap();
    fails(
        |f| matches!(f, Fault::WrongKey { has_key: true, .. }),
        &["xor.dat"],
    );
    fs::write(&xor, [1, 2, 3]).unwrap();
    fails(
        |f| matches!(f, Fault::BadKey { .. }),
        &["xor.dat", "eight bytes"],
    );
    fs::remove_file(&xor).unwrap();
    fails(
        |f| matches!(f, Fault::WrongKey { has_key: false, .. }),
        &["copy the node's xor.dat"],
    );
    // Never obfuscated, with a key in the folder.
    fs::write(&blk, &plain[..ends[5]]).unwrap();
    fails(
        |f| {
            matches!(
                f,
                Fault::WrongKey {
                    plain_would_do: true,
                    ..
                }
            )
        },
        &["isn't obfuscated"],
    );

    let at = |n: usize| format!("offset {}", ends[n]);
    fs::write(&blk, &good_blk[..ends[9] - 100]).unwrap();
    fails(
        |f| matches!(f, Fault::Truncated { .. }),
        &["blk00000.dat", &at(8)],
    );
    let mut bad = good_blk.clone();
    // In the magic bytes of the next record.
    bad[ends[9] + 3] ^= 1;
    fs::write(&blk, bad).unwrap();
    fails(|f| matches!(f, Fault::Unknown { .. }), &[&at(9)]);
    let mut bad = good_blk.clone();
    // In the block's last transaction, so that the Merkle root must fail.
    bad[ends[9] - 50] ^= 1;
    fs::write(&blk, bad).unwrap();
    fails(|f| matches!(f, Fault::BadBlock { .. }), &[&at(8)]);

    // Without a block in the middle there is a gap; without the first one, nothing begins the
    // chain.
    let hole = [&plain[..ends[4]], &plain[ends[5]..ends[ends.len() - 1]]].concat();
    fs::write(&blk, masked(hole)).unwrap();
    fails(
        |f| matches!(f, Fault::Gap { height: 4, .. }),
        &["after height 4", "blk00000.dat", "copy"],
    );
    fs::write(&blk, masked(plain[ends[0]..ends[ends.len() - 1]].to_vec())).unwrap();
    fails(|f| matches!(f, Fault::NoFirstBlock { .. }), &["pruned"]);
    fs::remove_file(&blk).unwrap();
    fails(|f| matches!(f, Fault::NoBlocks { .. }), &["blk00000.dat"]);

    // An unfinished index, then damaged ones.
    let there = folder.path().join("index");
    let fault = Index::open(&there).unwrap_err();
    assert!(
        matches!(fault, Fault::NoIndex { begun: true, .. }),
        "{fault}"
    );
    drop(index(folder.path()).unwrap());
    let manifest = there.join("manifest");
    let text = fs::read_to_string(&manifest).unwrap();
    // The recipe asks for 60,000, so the number begins with 6.
    fs::write(&manifest, text.replace("inputs 6", "inputs 7")).unwrap();
    let fault = Index::open(&there).unwrap_err();
    assert!(fault.to_string().contains("damaged"), "{fault}");
    fs::write(&manifest, text).unwrap();
    let column = there.join("columns-1/tx.outs");
    let rows = fs::read(&column).unwrap();
    // Short of one row of five bytes.
    fs::write(&column, &rows[..rows.len() - 5]).unwrap();
    let fault = Index::open(&there).unwrap_err();
    assert!(
        fault.to_string().contains("shorter than the manifest says"),
        "{fault}"
    );
}
