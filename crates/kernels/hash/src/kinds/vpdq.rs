//! vPDQ: PDQ of a video's frames. A frame's digest and quality are PDQ's, pipeline `full`; which
//! frames are hashed, and their numbers and times, come from the decoder.

use super::{Compute, Example, ExampleInput, Kind, KindStatus, Matching, pdq};
use crate::jarosz;

/// PDQ of frames.
pub const KIND: Kind = Kind {
    name: "vpdq",
    source: "facebook/ThreatExchange vpdq; PyPI vpdq 0.2.5; python-threatexchange extensions/vpdq",
    status: KindStatus::Stable,
    by_default: false,
    digest_bytes: 32,
    matching: Matching::Hamming {
        radius_bits: 31,
        quality_min: 50,
    },
    compute: Compute::Frames(pdq::one),
    examples: &[
        // Narrower than five pixels: not hashed, as with a picture.
        Example {
            input: ExampleInput::Ramp(4, 200),
            digest: jarosz::ZERO_HEX,
        },
        // The digest that `pdq` gives for the same picture: frames and pictures are comparable.
        Example {
            input: ExampleInput::Ramp(200, 150),
            digest: "9f5543599e540b5dbe0054ba91ff549a95f0545abff08aa5158fc8a595cf40a5",
        },
    ],
};
