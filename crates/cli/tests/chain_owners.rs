//! `obhut chain` on a stored chain whose owners are known (`fixtures/bitcoin/`). It has wallets
//! that write transactions as five kinds of software do, replaced payments, reorgs, bare multisig,
//! bare public keys, reused addresses and CoinJoins.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use flate2::read::GzDecoder;
use obhut_app::bitcoin::{Coin, Index, hash_text, heuristics};
use serde_json::Value;

mod bench;

use bench::{Bench, index_chain, json as lines, new_case, ok, record_ends, rows};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/bitcoin")
}

/// A chain with what is known about it.
struct Known {
    folder: PathBuf,
    truth: Value,
    /// The best chain's transactions by id, with what they spend.
    txs: HashMap<String, Value>,
}

impl Known {
    fn read(folder: &Path) -> Self {
        let open = |name: &str| {
            let file = std::fs::File::open(folder.join(name)).unwrap();
            BufReader::new(GzDecoder::new(file))
        };
        let mut text = String::new();
        open("truth.json.gz").read_to_string(&mut text).unwrap();
        let txs = open("chain.jsonl.gz").lines().map(|line| {
            let tx: Value = serde_json::from_str(&line.unwrap()).unwrap();
            (tx["txid"].as_str().unwrap().to_owned(), tx)
        });
        Self {
            folder: folder.to_owned(),
            truth: serde_json::from_str(&text).unwrap(),
            txs: txs.collect(),
        }
    }

    fn person(&self, address: &str) -> &str {
        let of = &self.truth["addresses"][address]["person"];
        of.as_str()
            .unwrap_or_else(|| panic!("{address} has no owner"))
    }

    fn path(&self, name: &str) -> String {
        self.folder.join(name).to_str().unwrap().to_owned()
    }

    fn index(&self, b: &Bench) {
        let blocks = self.path("blocks");
        ok(&index_chain(b, &blocks, "index"));
    }
}

fn coins(of: &Value) -> Vec<(Option<&str>, u64)> {
    let all = of.as_array().unwrap().iter();
    all.map(|c| (c[0].as_str(), c[1].as_u64().unwrap()))
        .collect()
}

/// The index has exactly the transactions of Bitcoin Core's kernel.
fn holds_what_the_kernel_holds(index: &Index, known: &Known) {
    let text = |c: &Coin| c.address.map(|a| index.address_text(a));
    let mut kinds = BTreeSet::new();
    for number in 0..index.sizes()[0] {
        let t = index.transaction(number);
        // The fixture's list lacks the genesis block's transaction, which is the `+ 1` below.
        if t.height == 0 {
            continue;
        }
        let theirs = &known.txs[&hash_text(&t.id)];
        assert_eq!(theirs["height"].as_u64(), Some(t.height));
        assert_eq!(theirs["block"].as_str(), Some(&*hash_text(&t.block)));
        for (ours, name) in [(&t.ins, "ins"), (&t.outs, "outs")] {
            let ours: Vec<_> = ours.iter().map(|c| (text(c), c.satoshi)).collect();
            let ours: Vec<_> = ours.iter().map(|(a, v)| (a.as_deref(), *v)).collect();
            assert_eq!(ours, coins(&theirs[name]), "{}", hash_text(&t.id));
            let named = ours
                .iter()
                .filter_map(|(a, _)| Some(a.as_ref()?.split_once(':')?.0));
            kinds.extend(named.map(str::to_owned));
        }
    }
    assert_eq!(index.sizes()[0] as usize, known.txs.len() + 1);
    assert!(
        kinds.contains("p2pk") && kinds.contains("multisig"),
        "{kinds:?}"
    );
    // The index has no transaction that was replaced or that only an orphaned block had.
    let replaced = known.truth["replaced"].as_array().unwrap();
    assert!(replaced.len() >= 5);
    for id in replaced {
        let id = obhut_app::bitcoin::hash_of_text(id.as_str().unwrap()).unwrap();
        assert!(index.find_transaction(&id).is_none());
    }
}

#[test]
fn the_index_holds_what_bitcoin_core_s_kernel_holds_and_its_rules_err_as_they_say() {
    let known = Known::read(&fixtures().join("chain"));
    let b = Bench::new();
    known.index(&b);
    let index = Index::open(&b.path("index")).unwrap();
    holds_what_the_kernel_holds(&index, &known);
    // Change: the output that a rule names belongs to the owner of an input.
    let mut rules: BTreeMap<&str, (u32, u32)> = BTreeMap::new();
    for number in 0..index.sizes()[0] {
        let t = index.transaction(number);
        let Some((place, rule)) = t.change else {
            continue;
        };
        let owner = |c: &Coin| {
            known
                .person(&index.address_text(c.address.unwrap()))
                .to_owned()
        };
        let count = rules.entry(rule).or_default();
        count.0 += 1;
        count.1 += u32::from(t.ins.iter().all(|i| owner(i) != owner(&t.outs[place])));
    }
    println!("{rules:?}");
    for (name, (named, wrong)) in &rules {
        let rule = heuristics::ALL.iter().find(|r| r.name == *name).unwrap();
        // A rule of confidence 95 may err in five of a hundred, and no more.
        let wrong_percent = wrong * 100;
        assert!(
            wrong_percent <= named * u32::from(100 - rule.confidence),
            "{name}: {wrong} of {named}"
        );
    }
    // With few outputs named the percentages above would prove little.
    assert!(rules.values().map(|r| r.0).sum::<u32>() > 400);
    // No address is linked to a stranger's by common inputs, except through CoinJoins that look
    // like one person's payment.
    let mixes = known.truth["mixes"].as_array().unwrap();
    let unseen: HashSet<&str> = mixes
        .iter()
        .map(|m| m["txid"].as_str().unwrap())
        .filter(|id| {
            let id = obhut_app::bitcoin::hash_of_text(id).unwrap();
            let tx = index.find_transaction(&id).unwrap();
            index.transaction(tx).coinjoin.is_none()
        })
        .collect();
    for id in &unseen {
        let kind = mixes.iter().find(|m| m["txid"] == **id).unwrap();
        assert_eq!(
            kind["kind"], "payjoin",
            "only a payjoin may pass for one person's"
        );
    }
    // At most a quarter of all CoinJoins is missed.
    assert!(unseen.len() * 2 <= mixes.len() / 2, "{unseen:?}");
    for number in 0..index.sizes()[0] {
        let t = index.transaction(number);
        if t.coinjoin.is_some() || unseen.contains(&*hash_text(&t.id)) {
            continue;
        }
        let owners: BTreeSet<String> = t
            .ins
            .iter()
            .filter_map(|c| c.address)
            .map(|a| known.person(&index.address_text(a)).to_owned())
            .collect();
        assert!(owners.len() < 2, "{owners:?} in {}", hash_text(&t.id));
    }
}

#[test]
fn payers_of_a_chain_with_other_owners_are_found_and_no_one_else_is_named() {
    let known = Known::read(&fixtures().join("chain"));
    let b = Bench::new();
    known.index(&b);
    let (seeds, tags) = (known.path("seeds.json"), known.path("tagpack.yaml"));
    ok(&b.obhut(&[
        "chain", "payers", "--index", "index", "--seeds", &seeds, "--tags", &tags, "--out", "out",
    ]));
    let site: HashSet<String> = rows(&b.read("out/addresses.csv"))
        .into_iter()
        .map(|r| r["address"].clone())
        .collect();
    for address in &site {
        assert_eq!(known.person(address), "abuse-site", "{address}");
    }
    assert!(site.len() >= 140, "{}", site.len());
    // Every payment of more than 1,000 satoshi (the dust limit) to one of these addresses is
    // reported. The only other rows are the site's own moves, which doubtful.csv warns about.
    let mut owed: BTreeMap<(String, usize), &str> = BTreeMap::new();
    for (id, tx) in &known.txs {
        let ins = coins(&tx["ins"]);
        let own = ins
            .iter()
            .any(|(a, _)| a.is_some_and(|a| known.person(a) == "abuse-site"));
        for (place, (address, value)) in coins(&tx["outs"]).into_iter().enumerate() {
            if let Some(address) = address
                && !own
                && !ins.is_empty()
                && value > 1_000
                && site.contains(address)
            {
                owed.insert((id.clone(), place), address);
            }
        }
    }
    let mut told: BTreeMap<(String, usize), Vec<BTreeMap<String, String>>> = BTreeMap::new();
    for row in rows(&b.read("out/payments.csv")) {
        let out = (row["txid"].clone(), row["vout"].parse().unwrap());
        told.entry(out).or_default().push(row);
    }
    assert!(owed.keys().all(|out| told.contains_key(out)));
    let doubtful = String::from_utf8(b.read("out/doubtful.csv")).unwrap();
    for (id, _) in told.keys().filter(|out| !owed.contains_key(out)) {
        assert!(doubtful.contains(id), "{id} is the site's own move");
    }
    // A service that the report names is the one that paid out. For at least four of five payments
    // there are at most three candidates, and one of them is the payer's own withdrawal.
    let ledger = known.truth["ledger"].as_array().unwrap();
    let payments = known.truth["payments"].as_array().unwrap();
    let (mut answered, mut joint) = (0, 0);
    for (out, address) in &owed {
        let of_it = &told[out];
        let customer = payments
            .iter()
            .find(|p| p["txid"] == *out.0 && p["address"] == *address);
        let mut hit = false;
        for row in of_it.iter().filter(|r| !r["service_txid"].is_empty()) {
            let paid_out = &known.txs[&row["service_txid"]];
            let by = known.person(coins(&paid_out["ins"])[0].0.unwrap());
            if !row["service"].starts_with("unnamed") {
                assert_eq!(row["service"], by, "{row:?}");
            }
            let place: usize = row["service_vout"].parse().unwrap();
            let to = coins(&paid_out["outs"])[place].0;
            hit |= ledger.iter().any(|l| {
                l["kind"] == "withdrawal"
                    && l["txid"] == *row["service_txid"]
                    && l["address"].as_str() == to
                    && customer.is_some_and(|c| c["user"] == l["customer"])
            });
        }
        joint += usize::from(of_it[0]["candidates"] == "0");
        answered += usize::from(hit && of_it.len() <= 3);
    }
    println!("{answered} of {}, {joint} without a way", owed.len());
    assert!(
        answered * 5 >= owed.len() * 4,
        "{answered} of {}",
        owed.len()
    );
}

#[test]
fn the_generator_makes_chains_that_bitcoin_core_s_kernel_takes() {
    let python = std::env::var_os("OBHUT_ORACLE_PYTHON").unwrap_or_default();
    let ready = Command::new(&python)
        .args(["-c", "import bdkpython, pbk"])
        .output();
    if !ready.is_ok_and(|out| out.status.success()) {
        println!("not present: OBHUT_ORACLE_PYTHON with bdkpython and py-bitcoinkernel");
        return;
    }
    let b = Bench::new();
    let made = Command::new(&python)
        .arg("-B")
        .arg(fixtures().join("make_chain.py"))
        .args(["--seed", "3", "--blocks", "230", "--out"])
        .arg(b.path("made"))
        .output()
        .unwrap();
    ok(&made);
    let known = Known::read(&b.path("made"));
    known.index(&b);
    let index = Index::open(&b.path("index")).unwrap();
    assert!(index.sizes()[0] > 230);
    let (seeds, tags) = (known.path("seeds.json"), known.path("tagpack.yaml"));
    let told = lines(ok(&b.obhut(&[
        "--json", "chain", "payers", "--index", "index", "--seeds", &seeds, "--tags", &tags,
        "--out", "out",
    ])))
    .remove(0);
    assert!(told["payments"].as_u64().unwrap() > 0, "{told}");
    for row in rows(&b.read("out/addresses.csv")) {
        assert_eq!(known.person(&row["address"]), "abuse-site");
    }
}

#[test]
fn a_movement_in_an_orphaned_block_is_withdrawn() {
    orphaned(false);
}

/// Regression: once nothing was watched any more, a movement that never happened stayed on record.
#[test]
fn a_movement_is_withdrawn_even_if_nothing_is_watched_any_more() {
    orphaned(true);
}

fn orphaned(ended: bool) {
    let known = Known::read(&fixtures().join("chain"));
    let b = Bench::new();
    let blocks = known.folder.join("blocks");
    let file = |name: &str| std::fs::read(blocks.join(name)).unwrap();
    let (blk, key) = (file("blk00000.dat"), file("xor.dat"));
    for name in ["rev00000.dat", "xor.dat"] {
        b.write(&format!("n/{name}"), &file(name));
    }
    let ends = record_ends(&blk, &key);
    // The first reorg: an orphaned block has a payment that the winning branch replaced.
    let race = &known.truth["reorgs"][0];
    let height = race["height"].as_u64().unwrap() as usize;
    let replaced = race["replaced"][0].as_str().unwrap();
    let index_with = |records: usize, index: &str| {
        b.write("n/blk00000.dat", &blk[..ends[records - 1]]);
        ok(&index_chain(&b, "n", index));
    };
    index_with(height + 2, "scratch");
    let shown = b.obhut(&["--json", "chain", "show", "--index", "scratch", replaced]);
    let shown = lines(ok(&shown)).remove(0);
    let paid = shown["outputs"].as_array().unwrap().iter();
    let addresses: Vec<&str> = paid.map(|o| o["address"].as_str().unwrap()).collect();
    let case = &new_case(&b);
    let watch = ["chain", "watch", "--case", case, "--network", "regtest"];
    ok(&b.obhut(&[&watch[..], &addresses].concat()));
    // First index without that block, because only blocks after the watermark are reported.
    index_with(height, "index");
    index_with(height + 2, "index");
    let moves = || lines(ok(&b.obhut(&["--json", "chain", "moves", case])));
    let of_it = |all: &[Value]| -> Vec<bool> {
        let some = all.iter().filter(|m| m["txid"] == *replaced);
        some.map(|m| m["undone"].as_bool().unwrap()).collect()
    };
    assert_eq!(of_it(&moves()), vec![false; addresses.len()]);
    if ended {
        ok(&b.obhut(&[&watch[..], &["--end"]].concat()));
    }
    // Enough blocks for the winning branch.
    index_with(height + 5, "index");
    assert_eq!(of_it(&moves()), vec![true; addresses.len()]);
    // The replacement happened, and is on record while the address is watched.
    assert_eq!(moves().iter().any(|m| m["undone"] == false), !ended);
    let alarms = String::from_utf8(ok(&b.obhut(&["alarm", "list"])).stdout.clone()).unwrap();
    assert!(alarms.contains("never happened"), "{alarms}");
    // Block files without the index's last block are refused.
    b.write("n/blk00000.dat", &blk[..ends[height - 10]]);
    let other = index_chain(&b, "n", "index");
    let told = String::from_utf8_lossy(&other.stderr).into_owned();
    assert!(
        !other.status.success() && told.contains("isn't in these files"),
        "{told}"
    );
}
