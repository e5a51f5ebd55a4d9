//! Turns output scripts into addresses, and addresses into the text that people know.

use bech32::Hrp;
use sha2::{Digest as _, Sha256};

use crate::Network;

/// Longest payload of a [`Key`], bytes. A witness program of 40 bytes and its version (BIP 141).
pub const PAYLOAD_BYTES_MAX: usize = 41;

/// The type of an output script.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
#[non_exhaustive]
pub enum Kind {
    /// Unspendable (`OP_RETURN`, too long), or spendable by anyone, so that a spend identifies no
    /// one.
    None = 0,
    /// To the hash of a key.
    P2pkh = 1,
    /// To the hash of a script.
    P2sh = 2,
    /// Segwit, to the hash of a key.
    P2wpkh = 3,
    /// Segwit, to the hash of a script.
    P2wsh = 4,
    /// Taproot.
    P2tr = 5,
    /// Straight to a key, as in the first years.
    P2pk = 6,
    /// Bare multisig: several keys in the script itself, without a hash.
    Multisig = 7,
    /// A witness program of a version or length that has no meaning yet.
    Witness = 8,
    /// Any other script.
    Other = 9,
}

impl Kind {
    pub(crate) fn from_number(n: u8) -> Self {
        match n {
            1 => Kind::P2pkh,
            2 => Kind::P2sh,
            3 => Kind::P2wpkh,
            4 => Kind::P2wsh,
            5 => Kind::P2tr,
            6 => Kind::P2pk,
            7 => Kind::Multisig,
            8 => Kind::Witness,
            9 => Kind::Other,
            _ => Kind::None,
        }
    }
}

/// What an output script pays to. Two scripts that the same key spends in the same way have the
/// same `Key`.
///
/// A bare public key (`P2pk`) is the same whether compressed or not, but differs from its hash (`P2pkh`).
/// Bare multisig and other scripts are represented by the SHA-256 of the script.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    kind: Kind,
    length: u8,
    payload: [u8; PAYLOAD_BYTES_MAX],
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.kind)
    }
}

impl Key {
    /// Builds a key from its parts; `None` if the payload has more than 41 bytes. Does not check
    /// that the payload fits the kind.
    pub fn new(kind: Kind, bytes: &[u8]) -> Option<Self> {
        let mut payload = [0; PAYLOAD_BYTES_MAX];
        payload.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(Self {
            kind,
            length: bytes.len() as u8,
            payload,
        })
    }

    fn made(kind: Kind, bytes: &[u8]) -> Self {
        Self::new(kind, bytes).expect("a payload of a known length")
    }

    /// The key that an output script pays to.
    pub fn of_script(script: &[u8]) -> Self {
        match script {
            [0x76, 0xa9, 0x14, hash @ .., 0x88, 0xac] if hash.len() == 20 => {
                Self::made(Kind::P2pkh, hash)
            }
            [0xa9, 0x14, hash @ .., 0x87] if hash.len() == 20 => Self::made(Kind::P2sh, hash),
            [0x00, 0x14, hash @ ..] if hash.len() == 20 => Self::made(Kind::P2wpkh, hash),
            [0x00, 0x20, hash @ ..] if hash.len() == 32 => Self::made(Kind::P2wsh, hash),
            [0x51, 0x20, key @ ..] if key.len() == 32 => Self::made(Kind::P2tr, key),
            // An `OP_RETURN` output can't be spent; an anchor (51024e73) or a bare "true" can be spent by
            // anyone, so a spend identifies no one.
            [0x6a, ..] | [] | [0x51] | [0x51, 0x02, 0x4e, 0x73] => Self::made(Kind::None, &[]),
            [0x21, key @ .., 0xac] if key.len() == 33 && matches!(key[0], 2 | 3) => {
                Self::made(Kind::P2pk, key)
            }
            // Reduced to the compressed form, as undo data store it. Hybrid keys (6, 7) become `Other`.
            [0x41, key @ .., 0xac] if key.len() == 65 && key[0] == 4 => {
                Self::of_point(2 + (key[64] & 1), &key[1..33])
            }
            // BIP 141: a version opcode and one push of 2 to 40 bytes.
            [version @ 0x51..=0x60, n, program @ ..]
                if (2..=40).contains(n) && program.len() == usize::from(*n) =>
            {
                let mut payload = [0; 41];
                payload[0] = version - 0x50;
                payload[1..=program.len()].copy_from_slice(program);
                Self::made(Kind::Witness, &payload[..=program.len()])
            }
            _ if script.len() > SCRIPT_BYTES_MAX => Self::made(Kind::None, &[]),
            _ => {
                let open = is_multisig(script);
                let kind = if open { Kind::Multisig } else { Kind::Other };
                Self::made(kind, &Sha256::digest(script))
            }
        }
    }

    /// From a public key's parity byte (2 or 3) and x coordinate.
    pub(crate) fn of_point(parity: u8, x: &[u8]) -> Self {
        let mut payload = [0; 33];
        payload[0] = parity;
        payload[1..].copy_from_slice(x);
        Self::made(Kind::P2pk, &payload)
    }

    /// The type of the script.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Hash, key or witness program, by kind; a program of [`Kind::Witness`] follows its version
    /// byte. Empty for [`Kind::None`].
    pub fn payload(&self) -> &[u8] {
        &self.payload[..usize::from(self.length)]
    }

    /// The usual text form. Scripts without an address format are written as their kind, a colon
    /// and hex; [`Kind::None`] gives an empty text.
    pub fn text(&self, network: Network) -> String {
        let hex = || {
            self.payload().iter().fold(String::new(), |mut s, b| {
                use std::fmt::Write as _;
                let _ = write!(s, "{b:02x}");
                s
            })
        };
        let (to_key, to_script) = network.versions();
        match self.kind {
            Kind::P2pkh => base58check(to_key, self.payload()),
            Kind::P2sh => base58check(to_script, self.payload()),
            Kind::P2wpkh | Kind::P2wsh => segwit(network, 0, self.payload()),
            Kind::P2tr => segwit(network, 1, self.payload()),
            Kind::Witness => segwit(network, self.payload[0], &self.payload()[1..]),
            Kind::P2pk => format!("p2pk:{}", hex()),
            Kind::Multisig => format!("multisig:{}", hex()),
            Kind::Other => format!("script:{}", hex()),
            Kind::None => String::new(),
        }
    }

    /// Reads what [`Key::text`] writes for this network. The test networks share base58 versions,
    /// and testnet and signet share `tb`, so an address of one is accepted as an address of
    /// another. The `p2pk:`, `multisig:` and `script:` texts name no network and are accepted for
    /// any.
    pub fn parse(text: &str, network: Network) -> Result<Self, AddressFault> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(AddressFault::NotAnAddress);
        }
        for (prefix, kind, length) in [
            ("p2pk:", Kind::P2pk, 33),
            ("multisig:", Kind::Multisig, 32),
            ("script:", Kind::Other, 32),
        ] {
            if let Some(hex) = text.strip_prefix(prefix) {
                let bytes = unhex(hex).filter(|b| b.len() == length);
                return bytes
                    .map(|b| Self::made(kind, &b))
                    .ok_or(AddressFault::NotAnAddress);
            }
        }
        if let Ok((hrp, version, program)) = bech32::segwit::decode(text) {
            if hrp.lowercase_char_iter().ne(network.prefix().chars()) {
                return Err(AddressFault::OtherNetwork);
            }
            let kind = match (version.to_u8(), program.len()) {
                (0, 20) => Kind::P2wpkh,
                (0, 32) => Kind::P2wsh,
                (1, 32) => Kind::P2tr,
                // `decode` refuses other lengths of version 0, so this is a version or length still undefined.
                (v, _) => {
                    let payload = [&[v], program.as_slice()].concat();
                    return Self::new(Kind::Witness, &payload).ok_or(AddressFault::NotAnAddress);
                }
            };
            return Ok(Self::made(kind, &program));
        }
        let bytes = bs58::decode(text)
            .into_vec()
            .map_err(|_| AddressFault::NotAnAddress)?;
        let (body, sum) = bytes
            .split_last_chunk::<4>()
            .filter(|(body, _)| body.len() == 21)
            .ok_or(AddressFault::NotAnAddress)?;
        // Checked before the version byte, so that a typo in that byte isn't reported as another
        // network.
        if checksum(body) != *sum {
            return Err(AddressFault::Mistyped);
        }
        let (to_key, to_script) = network.versions();
        if body[0] == to_key {
            Ok(Self::made(Kind::P2pkh, &body[1..]))
        } else if body[0] == to_script {
            Ok(Self::made(Kind::P2sh, &body[1..]))
        } else {
            Err(AddressFault::OtherNetwork)
        }
    }
}

/// Scripts longer than this can't be spent (consensus), bytes.
const SCRIPT_BYTES_MAX: usize = 10_000;
/// Longer texts are refused unread, in bytes. The longest address is a bech32 one with 90
/// characters (BIP 173); `multisig:` and its hex have 73.
const TEXT_BYTES_MAX: usize = 128;

/// Why a text isn't an address of this network.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum AddressFault {
    /// It doesn't have the form of a bitcoin address. A mistyped bech32 address is reported as
    /// this.
    NotAnAddress,
    /// A base58 address whose checksum doesn't fit.
    Mistyped,
    /// It is an address of another network.
    OtherNetwork,
}

impl std::fmt::Display for AddressFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            AddressFault::NotAnAddress => "it isn't a bitcoin address",
            AddressFault::Mistyped => "its checksum doesn't match; compare it with the original",
            AddressFault::OtherNetwork => "it is an address of another network",
        })
    }
}

fn is_multisig(script: &[u8]) -> bool {
    // OP_m, the keys, OP_n, OP_CHECKMULTISIG; more than 16 keys need a longer push and are `Other`.
    let [m @ 0x51..=0x60, keys @ .., n @ 0x51..=0x60, 0xae] = script else {
        return false;
    };
    let (mut rest, mut count) = (keys, 0);
    while let [length @ (33 | 65), more @ ..] = rest {
        let Some(after) = more.get(usize::from(*length)..) else {
            return false;
        };
        rest = after;
        count += 1;
    }
    rest.is_empty() && count == n - 0x50 && m <= n
}

fn checksum(body: &[u8]) -> [u8; 4] {
    let sum = Sha256::digest(Sha256::digest(body));
    [sum[0], sum[1], sum[2], sum[3]]
}

fn base58check(version: u8, payload: &[u8]) -> String {
    let mut bytes = vec![version];
    bytes.extend(payload);
    bytes.extend(checksum(&bytes));
    bs58::encode(bytes).into_string()
}

fn segwit(network: Network, version: u8, program: &[u8]) -> String {
    let hrp = Hrp::parse(network.prefix()).expect("a known prefix");
    bech32::Fe32::try_from(version)
        .ok()
        .and_then(|v| bech32::segwit::encode(hrp, v, program).ok())
        .unwrap_or_default()
}

pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    // `from_str_radix` takes a sign, and a two-byte slice of non-ASCII text could split a character.
    let is_hex = text.bytes().all(|b| b.is_ascii_hexdigit());
    if !text.len().is_multiple_of(2) || !is_hex {
        return None;
    }
    (0..text.len())
        .step_by(2)
        .map(|i| u8::from_str_radix(&text[i..i + 2], 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Addresses from BIP 173, BIP 350 and Bitcoin's wiki.
    #[test]
    fn published_addresses_are_read_and_written() {
        for (script, text, network) in [
            (
                "0014751e76e8199196d454941c45d1b3a323f1433bd6",
                "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
                Network::Mainnet,
            ),
            (
                "00201863143c14c5166804bd19203356da136c985678cd4d27a1b8c6329604903262",
                "tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7",
                Network::Testnet,
            ),
            (
                "512079be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
                "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
                Network::Mainnet,
            ),
            (
                "76a914010966776006953d5567439e5e39f86a0d273bee88ac",
                "16UwLL9Risc3QfPqBUvKofHmBQ7wMtjvM",
                Network::Mainnet,
            ),
        ] {
            let key = Key::of_script(&unhex(script).unwrap());
            assert_eq!(key.text(network), text);
            assert_eq!(Key::parse(text, network), Ok(key));
        }
    }

    #[test]
    fn a_sign_is_no_digit() {
        assert_eq!(unhex("0aFf"), Some(vec![0x0a, 0xff]));
        for text in ["+f", "-1", "0", "0g", "é"] {
            assert_eq!(unhex(text), None, "{text}");
        }
    }

    #[test]
    fn invalid_addresses_are_refused_with_a_reason() {
        let of = |text| Key::parse(text, Network::Mainnet).unwrap_err();
        assert_eq!(
            of("16UwLL9Risc3QfPqBUvKofHmBQ7wMtjvN"),
            AddressFault::Mistyped
        );
        assert_eq!(
            of("tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7"),
            AddressFault::OtherNetwork
        );
        assert_eq!(
            of("mx6T34JofpJ8JGNezDHDxuX18sVj1ko7Nk"),
            AddressFault::OtherNetwork
        );
        assert_eq!(
            of("0xFA8E3920daF271daB92Be9B87d9998DDd94FEF08"),
            AddressFault::NotAnAddress
        );
        assert_eq!(of(""), AddressFault::NotAnAddress);
        assert_eq!(of("p2pk:02"), AddressFault::NotAnAddress);
    }

    #[test]
    fn open_scripts_have_names_of_their_own() {
        let point = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
        let y = "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8";
        let short = unhex(&format!("2102{point}ac")).unwrap();
        let long = unhex(&format!("4104{point}{y}ac")).unwrap();
        assert_eq!(Key::of_script(&short), Key::of_script(&long));
        // One of two keys: the same x with either parity.
        let two = unhex(&format!("5121{}{}21{}{}52ae", "02", point, "03", point)).unwrap();
        let key = Key::of_script(&two);
        assert_eq!(key.kind(), Kind::Multisig);
        let text = key.text(Network::Mainnet);
        assert_eq!(Key::parse(&text, Network::Mainnet), Ok(key));
        assert_eq!(Key::of_script(&[0x52]).kind(), Kind::Other);
        // Anyone can spend a bare true or an anchor, so a spend identifies no one.
        assert_eq!(Key::of_script(&[0x51]).kind(), Kind::None);
        assert_eq!(Key::of_script(&[0x51, 0x02, 0x4e, 0x73]).kind(), Kind::None);
        assert_eq!(Key::of_script(&[0x6a, 1, 2]).kind(), Kind::None);
    }
}
