//! Bodies that are JSON objects.

use axum::Json;
use axum::extract::{FromRequest, Request};
use obhut_app::casework::Strict;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::fault::Fault;

/// A JSON object, as the body of a request. serde also reads a struct from an array, field by field
/// in the order of the source, so an array where an object belongs is refused, at any depth.
pub(crate) struct Object<T>(pub T);

/// Reads JSON in which every struct is an object.
pub(crate) fn strict<'de, T: Deserialize<'de>>(json: &'de [u8]) -> serde_json::Result<T> {
    let mut reader = serde_json::Deserializer::from_slice(json);
    let value = T::deserialize(Strict(&mut reader))?;
    reader.end()?;
    Ok(value)
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Object<T> {
    type Rejection = Fault;

    async fn from_request(request: Request, state: &S) -> Result<Self, Fault> {
        let Json(body) = Json::<Box<RawValue>>::from_request(request, state).await?;
        if !body.get().trim_start().starts_with('{') {
            return Err(Fault::bad_request("the body isn't a JSON object"));
        }
        let bytes = body.get().as_bytes();
        // First as before, because its errors name the field.
        let Json(object) = Json::<T>::from_bytes(bytes)?;
        match strict::<T>(bytes) {
            Ok(_) => Ok(Self(object)),
            Err(e) => Err(Fault::bad_request(format!(
                "an array is where an object belongs: {e}"
            ))),
        }
    }
}
