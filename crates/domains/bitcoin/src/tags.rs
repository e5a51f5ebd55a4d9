//! The agency's own attribution tags, each with its source. They stay in its database.

use obhut_casework::for_domains::{Columns, Inside as _, audit, ids};
use obhut_casework::{Casework, Person, Result};
use obhut_facts::TagRecord;

/// Puts tags on record and returns how many were new. A tag with the same address, label and source
/// replaces the earlier one. The caller checks the person's role.
pub async fn add_chain_tags(
    casework: &Casework,
    tags: &[TagRecord],
    person: &Person,
) -> Result<usize> {
    let mut new = 0;
    let mut tx = casework.begin().await?;
    for tag in tags {
        // What identifies a tag. Its confidence, category and date may change.
        let key = format!(
            "{}\n{}\n{}",
            tag.address.trim(),
            tag.label.trim(),
            tag.source.trim()
        );
        let key = casework.keyed_digest("chain tag", key.as_bytes());
        let sealed = casework.seal_text(&serde_json::to_string(tag).expect("a tag is JSON"));
        let id = ids::new("tag");
        let row = sqlx::query(
            "INSERT INTO chain_tags (id, tag_key, tag_sealed, person, recorded_at) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (tag_key) DO UPDATE SET tag_sealed = $3, person = $4, recorded_at = $5 RETURNING id",
        )
        .bind(&id)
        .bind(&key)
        .bind(&sealed)
        .bind(&person.id)
        .bind(casework.now_micros())
        .fetch_one(&mut *tx)
        .await?;
        // On a conflict the row keeps its first id.
        new += usize::from(Columns::of(&row).text()? == id);
    }
    let detail = format!("{} tags, {new} new", tags.len());
    audit::write(
        &mut tx,
        casework.now_micros(),
        &person.id,
        "chain.tag",
        "-",
        &detail,
    )
    .await?;
    tx.commit().await?;
    Ok(new)
}

/// All of the agency's tags, by the time they were last put on record. A tag that can't be parsed
/// is skipped.
pub async fn chain_tags(casework: &Casework) -> Result<Vec<TagRecord>> {
    let rows = sqlx::query("SELECT tag_sealed FROM chain_tags ORDER BY recorded_at, id")
        .fetch_all(casework.pool())
        .await?;
    let mut tags = Vec::new();
    for row in &rows {
        let text = casework.open_text(&Columns::of(row).text()?)?;
        tags.extend(serde_json::from_str::<TagRecord>(&text).ok());
    }
    Ok(tags)
}
