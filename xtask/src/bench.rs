//! Placeholder
pub fn run() -> crate::Done {
    Ok(())
}
