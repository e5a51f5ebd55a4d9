//! Turns a network's name into its magic bytes, its genesis block and its address prefixes.

/// One of Bitcoin's networks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Network {
    /// The network whose coins have value.
    Mainnet,
    /// Testnet3 or testnet4.
    Testnet,
    /// The public signet.
    Signet,
    /// A private chain for tests.
    Regtest,
}

/// All networks.
pub const NETWORKS: [Network; 4] = [
    Network::Mainnet,
    Network::Testnet,
    Network::Signet,
    Network::Regtest,
];

impl Network {
    /// The name, as the command line takes it.
    pub fn name(self) -> &'static str {
        match self {
            Network::Mainnet => "mainnet",
            Network::Testnet => "testnet",
            Network::Signet => "signet",
            Network::Regtest => "regtest",
        }
    }

    /// The network with that name; `None` for any other text.
    pub fn by_name(name: &str) -> Option<Self> {
        NETWORKS.into_iter().find(|n| n.name() == name)
    }

    /// Possible first four bytes of a record in the block files (Bitcoin Core,
    /// `kernel/chainparams.cpp`).
    pub fn magics(self) -> &'static [[u8; 4]] {
        match self {
            Network::Mainnet => &[[0xf9, 0xbe, 0xb4, 0xd9]],
            // Testnet3, then testnet4; `first_blocks` has the same order.
            Network::Testnet => &[[0x0b, 0x11, 0x09, 0x07], [0x1c, 0x16, 0x3f, 0x28]],
            Network::Signet => &[[0x0a, 0x03, 0xcf, 0x40]],
            Network::Regtest => &[[0xfa, 0xbf, 0xb5, 0xda]],
        }
    }

    /// The network whose block files begin like this.
    pub fn by_magic(magic: [u8; 4]) -> Option<Self> {
        NETWORKS.into_iter().find(|n| n.magics().contains(&magic))
    }

    /// Hash of the genesis block, as explorers print it; for testnet, those of testnet3 and
    /// testnet4.
    pub fn first_blocks(self) -> &'static [&'static str] {
        match self {
            Network::Mainnet => {
                &["000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f"]
            }
            Network::Testnet => &[
                "000000000933ea01ad0ee984209779baaec3ced90fa3f408719526f8d77f4943",
                "00000000da84f2bafbbc53dee25a72ae507ff4914b867c565be350b0da8bf043",
            ],
            Network::Signet => {
                &["00000008819873e925422c1ff0f99f7cc9bbb232af63a077a480a3633bee1ef6"]
            }
            Network::Regtest => {
                &["0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206"]
            }
        }
    }

    /// Version bytes of base58 addresses: P2PKH, P2SH.
    pub(crate) fn versions(self) -> (u8, u8) {
        match self {
            Network::Mainnet => (0, 5),
            // The three test networks share them, so a base58 address does not say which of them it
            // belongs to.
            _ => (111, 196),
        }
    }

    /// Human-readable part of segwit addresses (BIP 173).
    pub(crate) fn prefix(self) -> &'static str {
        match self {
            Network::Mainnet => "bc",
            // Signet took over testnet's prefix.
            Network::Testnet | Network::Signet => "tb",
            Network::Regtest => "bcrt",
        }
    }
}
