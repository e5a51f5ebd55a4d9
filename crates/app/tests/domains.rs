//! Domains as the core sees them: a domain that this test defines is added without touching
//! casework, and the migrations of all owners form one sequence.

mod bench;

use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use bench::*;
use obhut_casework as casework;
use obhut_casework::for_domains::{Clearing, Domain, Inside as _, Numbered, Removed, Tx};
use obhut_casework::*;

/// A domain that exists only in this test: accounts of children mentioned in a conversation.
struct Mentions;

static ERASURE_CALLS: AtomicUsize = AtomicUsize::new(0);

#[async_trait]
impl Domain for Mentions {
    fn name(&self) -> &'static str {
        "mentions"
    }

    fn migrations(&self) -> &'static [Numbered] {
        &[(
            // Far above the numbers of the real owners.
            900_001,
            "mentions",
            "CREATE TABLE mentions (case_id TEXT NOT NULL, text_sealed TEXT NOT NULL);",
        )]
    }

    async fn dossier_part(&self, tx: &mut Tx, casework: &Casework, case: &str) -> Result<Facts> {
        use sqlx::Row as _;
        let rows = sqlx::query("SELECT text_sealed FROM mentions WHERE case_id = $1")
            .bind(case)
            .fetch_all(&mut **tx)
            .await?;
        let mut facts = Facts::default();
        for row in rows {
            facts.victims.push(Account {
                id: Some(casework.open_text(&row.get::<String, _>(0))?),
                ..Account::default()
            });
        }
        Ok(facts)
    }

    async fn withdraw(
        &self,
        tx: &mut Tx,
        _: &Casework,
        clearing: &Clearing<'_>,
    ) -> Result<Vec<Removed>> {
        sqlx::query("DELETE FROM mentions WHERE case_id = $1")
            .bind(clearing.case)
            .execute(&mut **tx)
            .await?;
        Ok(vec![Removed::done("mentions")])
    }

    async fn finish_erasure(&self, _: &Casework, _: &str) -> Result<()> {
        // Fails every other time, and so once for each database. The work then has to be repeated.
        if ERASURE_CALLS
            .fetch_add(1, Ordering::SeqCst)
            .is_multiple_of(2)
        {
            return Err(CaseworkError::Unavailable {
                why: "cut off".into(),
            });
        }
        Ok(())
    }
}

fn domains() -> Vec<Box<dyn Domain>> {
    let mut all = obhut_app::domains();
    all.push(Box::new(Mentions));
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn an_additional_domain_needs_no_change_in_the_core() {
    on_each_database(async |b: Bench| {
        let c = &b.casework;
        let file = CaseFile::from_json(br#"{"facts": {"reported": {"id": "x"}}}"#).unwrap();
        let case = casework::new_case(c, &file, Vec::new(), "test")
            .await
            .unwrap()
            .case;
        let mut tx = c.begin().await.unwrap();
        sqlx::query("INSERT INTO mentions VALUES ($1, $2)")
            .bind(&case)
            .bind(c.seal_text("child"))
            .execute(&mut *tx)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        let facts = casework::facts(c, &case).await.unwrap();
        assert_eq!(facts.victims[0].id.as_deref(), Some("child"));
        let rita = new_person(c, "Rita", &[Role::Reviewer]).await;
        let olga = new_person(c, "Olga", &[Role::Reviewer]).await;
        let request = decision(Ruling::NoReport);
        casework::decide(c, &case, &rita, &request).await.unwrap();
        let appeal = casework::file_appeal(c, &case, "not me", "test")
            .await
            .unwrap();
        let decided =
            casework::decide_appeal(c, &case, &appeal.id, &olga, AppealOutcome::Upheld, "g").await;
        // `finish_erasure` failed. The appeal is decided all the same, but the proof doesn't call the
        // erasure complete.
        assert_eq!(decided.unwrap().outcome, Some(AppealOutcome::Upheld));
        let proof = casework::erasure_proof(c, &case).await.unwrap();
        assert!(!proof.complete);
        // The deletion belongs to the decision and was committed with it.
        assert!(proof.erased.iter().any(|e| e.exhibit == "mentions"));
        assert!(casework::facts(c, &case).await.unwrap().victims.is_empty());
        casework::finish_settlements(c).await.unwrap();
        assert!(casework::erasure_proof(c, &case).await.unwrap().complete);
    })
    .await;
}

/// All owners' migrations form one sequence without gaps.
#[test]
fn migrations_of_all_owners_are_one_sequence() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap();
    let owners = ["foundation", "domains"]
        .into_iter()
        .flat_map(|layer| std::fs::read_dir(folder.join(layer)).unwrap());
    let mut numbers: Vec<i64> = owners
        .filter_map(|owner| std::fs::read_dir(owner.unwrap().path().join("migrations")).ok())
        .flatten()
        .map(|e| {
            e.unwrap().file_name().to_string_lossy()[..4]
                .parse()
                .unwrap()
        })
        .collect();
    numbers.sort_unstable();
    // Shows a gap as well as a number used twice.
    let all: Vec<i64> = (1..=numbers.len() as i64).collect();
    assert_eq!(numbers, all);
}
