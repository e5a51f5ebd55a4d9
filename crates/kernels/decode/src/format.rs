//! Recognises a format by a file's first bytes.

/// The formats this build reads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
#[non_exhaustive]
pub enum Format {
    /// ITU-T T.81, baseline and progressive, grey, YCbCr, RGB, CMYK and YCCK.
    Jpeg = 1,
    /// ISO/IEC 15948, APNG too.
    Png = 2,
    /// GIF87a and GIF89a.
    Gif = 3,
    /// RFC 9649, lossy and lossless.
    WebP = 4,
    /// Windows bitmap.
    Bmp = 5,
    /// TIFF 6.0 and BigTIFF; the first page.
    Tiff = 6,
}

impl Format {
    /// Every format.
    pub const ALL: [Format; 6] = [
        Format::Jpeg,
        Format::Png,
        Format::Gif,
        Format::WebP,
        Format::Bmp,
        Format::Tiff,
    ];

    /// The format's usual name, such as `WebP`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::Gif => "GIF",
            Self::WebP => "WebP",
            Self::Bmp => "BMP",
            Self::Tiff => "TIFF",
        }
    }

    /// The media type (IANA).
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Gif => "image/gif",
            Self::WebP => "image/webp",
            Self::Bmp => "image/bmp",
            Self::Tiff => "image/tiff",
        }
    }

    /// All names, for messages.
    pub fn names() -> String {
        Self::ALL.map(Self::name).join(", ")
    }

    /// Detects the format from a file's first bytes; `None` if this build does not read it.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            // Start of image is two bytes; the third begins the next marker (T.81).
            [0xff, 0xd8, 0xff, ..] => Some(Self::Jpeg),
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(Self::Png),
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Self::Gif),
            [
                b'R',
                b'I',
                b'F',
                b'F',
                _,
                _,
                _,
                _,
                b'W',
                b'E',
                b'B',
                b'P',
                ..,
            ] => Some(Self::WebP),
            // 43 is BigTIFF.
            [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => Some(Self::Tiff),
            // "BM" alone is too little: the header length must be one that exists.
            [b'B', b'M', rest @ ..]
                if matches!(rest.get(12), Some(12 | 16 | 40 | 52 | 56 | 64 | 108 | 124)) =>
            {
                Some(Self::Bmp)
            }
            _ => None,
        }
    }

    /// Whether files of this format may have more than one frame.
    pub fn may_move(self) -> bool {
        matches!(self, Self::Gif | Self::WebP | Self::Png)
    }

    /// Width times height as the file's header states it, to estimate what decoding costs. Reads a
    /// few fixed places and never more; `None` where it isn't found. Nothing else may rely on it.
    pub fn pixels_stated(self, bytes: &[u8]) -> Option<u64> {
        let be16 = |at: usize| {
            bytes
                .get(at..at + 2)
                .map(|b| u64::from(b[0]) << 8 | u64::from(b[1]))
        };
        let le16 = |at: usize| {
            bytes
                .get(at..at + 2)
                .map(|b| u64::from(b[1]) << 8 | u64::from(b[0]))
        };
        let (width, height) = match self {
            // IHDR is the first chunk (ISO/IEC 15948, 11.2.2).
            Self::Png => (be16(16)? << 16 | be16(18)?, be16(20)? << 16 | be16(22)?),
            Self::Gif => (le16(6)?, le16(8)?),
            Self::Bmp if bytes.get(14) == Some(&12) => (le16(18)?, le16(20)?),
            // Four bytes each; a height may be negative.
            Self::Bmp => {
                let height = (le16(22)? | le16(24)? << 16) as u32 as i32;
                (
                    le16(18)? | le16(20)? << 16,
                    u64::from(height.unsigned_abs()),
                )
            }
            // RFC 9649, 2.5 to 2.7: VP8, VP8L and VP8X state the size at different places.
            Self::WebP => match bytes.get(12..16)? {
                b"VP8 " => (le16(26)? & 0x3fff, le16(28)? & 0x3fff),
                b"VP8L" => {
                    let bits = le16(21)? | le16(23)? << 16;
                    ((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1)
                }
                _ => {
                    let three = |at| Some(le16(at)? | u64::from(*bytes.get(at + 2)?) << 16);
                    (three(24)? + 1, three(27)? + 1)
                }
            },
            // Markers before the frame's own are skipped by their length (T.81, B.1.1.4).
            Self::Jpeg => {
                let mut at = 2;
                loop {
                    match bytes.get(at..at + 2)? {
                        [0xff, 0xff] => at += 1,
                        [0xff, 0xc4 | 0xc8 | 0xcc] => at += 2 + be16(at + 2)? as usize,
                        [0xff, 0xc0..=0xcf] => break (be16(at + 7)?, be16(at + 5)?),
                        [0xff, _] => at += 2 + be16(at + 2)? as usize,
                        _ => return None,
                    }
                }
            }
            Self::Tiff => return None,
        };
        width.checked_mul(height)
    }

    /// False if the file's header shows that it is a still picture; true if it may be animated. Reads
    /// little, like [`Format::pixels_stated`].
    pub fn may_be_animated(self, bytes: &[u8]) -> bool {
        /// An APNG says so before its first frame, so near its beginning. Our judgement.
        const HEAD_BYTES: usize = 64 << 10;
        match self {
            Self::Gif => true,
            // The animation flag of VP8X (RFC 9649, 2.7.1).
            Self::WebP => {
                bytes.get(12..16) == Some(b"VP8X") && bytes.get(20).is_some_and(|f| f & 2 != 0)
            }
            Self::Png => {
                let head = &bytes[..bytes.len().min(HEAD_BYTES)];
                head.windows(4).any(|chunk| chunk == b"acTL")
            }
            _ => false,
        }
    }

    pub(crate) fn from_u8(v: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|f| *f as u8 == v)
    }
}
