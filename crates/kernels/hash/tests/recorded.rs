//! PDQ and vPDQ frames against digests that PyPI `pdqhash` 0.2.8 gave for pictures generated here.
//! They were recorded once, so that `cargo test` needs no Python.

mod pictures;

use obhut_hash::{Compute, Digest, Pixels, kinds};
use pictures::pictures;

/// Picture, quality, digest and, for some pictures, the digests of all eight turns and mirrors.
#[rustfmt::skip]
const RECORDED: &[(&str, u8, &str, &str)] = &[
    ("noise 1×1", 0, "0000000000000000000000000000000000000000000000000000000000000000", ""),
    ("noise 4×4", 0, "0000000000000000000000000000000000000000000000000000000000000000", ""),
    ("noise 5×4", 0, "0000000000000000000000000000000000000000000000000000000000000000", ""),
    ("noise 5×5", 100, "348d94a5cb726b5a68d9c6f1649d390e9b2694a5348d94a5cb726b5a64d9c6f1", ""),
    ("noise 5×300", 100, "3c0f93a43b0e3b0e6e5bd6b561d8348d61d87e1f61d8348d932693a46cdb93a4", ""),
    ("noise 300×5", 100, "b18857c64e77a871feca08f4b588b60b0235778eb18857c64e77a871fcca48f4", ""),
    ("noise 6×7", 100, "fc1f42e464c6b91b8b697097da6dad1a64c652e59b3952e525928f68749646e4", ""),
    ("noise 13×17", 100, "243bd86d1b0cc81dca57c815d8b70ef173f761cc5a1a719b8d34725b0f950ea3", ""),
    ("noise 31×33", 100, "f6ba586086e306e119ef3d2f20bf51cc184aafcd346fe0c319286e72997a01fd", ""),
    ("noise 63×64", 100, "286cf133fffa49462633304969afad24c71785e8544ee227359c00f7cb6a0db7", ""),
    ("noise 64×63", 100, "b280bbcd0b0ddb63a0d4b175d411e0ee374d6eff58d74259ac80ab95a5317952", ""),
    ("noise 64×64", 100, "e64b0acb84d6235dfcbd806959ba120e66013b4f96e8ab7ceddea5640a5c94dc", ""),
    ("noise 65×64", 100, "7be2cda574e455e852893e2381b4162c2baedec8384a7a95507daaf7346cc396", ""),
    ("noise 64×65", 100, "0595f3cb18f32a702dd54436ae5168efd5d3f64e81a77d6465a9ce0b981c2926", ""),
    ("noise 100×100", 100, "d811cbb440ea4bc4952b0b870b91f190f69cfde9117cb4c999d09dfa172e7f42", ""),
    ("noise 127×129", 100, "2ebc9454f702e10c99beaff937713dd81388a7ca8990a39de735211525ff828a", ""),
    ("noise 128×128", 100, "302a7fd7f74019952c157443d9f9992baecdd094c1c52a7872861eefc1317e2c", ""),
    ("noise 129×127", 100, "27a1b8dba2c91bc2bf883506e41db92003282eade9cf60c3753a6baab6e77e92", ""),
    ("noise 200×61", 100, "a46310fd6eca4144c1cf1f9778075ab26efa101653b3f90ae69246495c997777", ""),
    ("noise 255×257", 100, "6309a9a868bf2dfb3ec02e54b7721e9687557ac1eddc3cc010a6aa21d4b6ba69", ""),
    ("noise 256×256", 100, "aa989e3e5e680e67787f38a5652e161079ede0c61ffc7820adc7f39005a2ca71", ""),
    ("noise 257×255", 100, "2a3573dca256110afc9906aebef7b227be1275290e597de658312d8c1c924fe1", ""),
    ("noise 320×240", 100, "1fbd79fe6a745bfcc2047b7dc102a924a6d52de1820122b2de3aadb9c42813f5", ""),
    ("noise 333×777", 100, "82cb0dde2954d2aabe0d329ef06ef5ea230c58f7a4e2c6e6fd05d0b0e9a681d2", ""),
    ("noise 500×500", 100, "15eea59c25a48840c268af0fadb72f4e11bc93c1684d1cdc829c36bbad3f8f5e", ""),
    ("noise 511×513", 100, "e6cb67b8c56621b0bb843d1139a119f3d49319ac26bdf4f2720c523cf43366d9", ""),
    ("noise 512×512", 100, "ac54d5914d1071d9777602b25d2e58023ce553212b7cef260147be6df6f76b60", ""),
    ("noise 513×511", 100, "ca27cb2d0d275e788cc9b7a82b54f9d96ed2143e4cae28ec82a3d02bf5cae825", ""),
    ("noise 640×480", 100, "d364ef1cbaedf712ec351e8c1f724f4141250520adee280f292d65360e07f677", ""),
    ("noise 777×333", 100, "4b5d75eb2177d0ea39796a6e683852d08ac2c27a07f5066a5f0faa6b8b9c1d22", ""),
    ("noise 800×600", 100, "b601f49fb1c673be22e5ea04485811c8279ed2fc2cf3f617a673e702a1b633e0", ""),
    ("noise 1000×3", 0, "0000000000000000000000000000000000000000000000000000000000000000", ""),
    ("noise 1×900", 0, "0000000000000000000000000000000000000000000000000000000000000000", ""),
    ("blocks 557×6", 100, "8ecf71308ecf71308ecf8ecf71308ecf71308ecf713071308ecf71308ecf7130", "8ecf71308ecf71308ecf8ecf71308ecf71308ecf713071308ecf71308ecf7130 ad4aad4a52b5ad4aad4a52b5ad4aad4aad4a52b552b5ad4aad4a52b5ad4a52b5 cb9adb9adb9acb9a8b9a244524652465246524652404db9adb9adb9adb9adb9a f81f03c007e003c0f81ff81ff81f07e0f81ff01f03c007e0f81ff81ff81ff01f 8ecf8ecf8ecf8ecf8e8e2110713071307130713021108ecf8ecf8ecf8ecf8ecf db9a2465db9a2465db9adb9a2465db9a2465db9a24652465db9a2465db9a2465 ad4a52b552b552b5ad4aad4aad4a52b5ad4aad4a52b552b5ad4aad4aad4aad4a f81ff01f07e0601ff81f07e0f81ff81ff81f07c003c0f81ff81f07e0f81f07c0"),
    ("blocks 404×9", 100, "5b945b94a56b5a945b94a56b5a945b94a56b5a945b94a56b5a945b94a56b5a94", "5b945b94a56b5a945b94a56b5a945b94a56b5a945b94a56b5a945b94a56b5a94 249224b624922492db6ddb6ddb6dfffddb6ddb6d24922492249224922492db6d 0fc1f03ef03ef03e0ec10fc10fc1f03ef03ef03e0ec10fc10fc1f03ef03ef03e 71c78e3871c78e388e3871c78e3870c38e3871c771c78e3871c78e3871c771c7 5a94a56ba56ba56b5a945a945a94a46ba56ba56b5a945a945a94a46ba56ba56b 0fc10fc1f13e0fc10fc1f13e0fc10fc1f13e0fc14fc1f13e0fc14fc1f03e0fc1 2492db6d2492db6ddb6d2492db6dedb6db6d24922492db6d2492db6d24922492 71c771c771c771c78e388e388e3886188e388e3871c771c771c771c771c78e38"),
    ("blocks 221×687", 100, "fd98f295f9c07d2a061bf24a8665f3e00643d2e28649d2ecc45c72ea1efad0ab", "fd98f295f9c07d2a061bf24a8665f3e00643d2e28649d2ecc45c72ea1efad0ab e1790aa2f5040aa8b00265554dc64effe057d801135637f59c37bde71cc7b55e acdd783fac95d780534ed8e0d33059cad356f848d37c7a469129d8404bef7a21 b6ece008a051a006e557cfff1ab3e455b50272ab462b9d5fc96a174d49921ff4 fd984d6af9c082d5061b8db586650c9f8643ad1d86692f13c47c9d151efa2f74 a8cda7c0ac95287f534e271f5130a635531687b7d11c85b9910127bf4baf85de e779f55df504f557b0029aaa4ff6b100e15727fe1357c80a9c3f42181cc74aa1 b6ec5ff7e0515ffde557b0001ab31baab5028df6462be2a0c96ae8b24992e00b"),
    ("blocks 670×529", 100, "2a28ffbf2a84ffbf2a847fb32a80a201157fc33ed1ab842ed50bcce0d13084fc", "2a28ffbf2a84ffbf2a847fb32a80a201157fc33ed1ab842ed50bcce0d13084fc 417fab91ff00ab55fe04ab62fe40ab155605bf3a54f6ab2c50e9872a44a8aa57 7f7d51157f5155177fd1d5197fd508ab402a699484fe2e84805e664a84652e76 142a057faa5501ffab5155c8ab1d01bfabf055f0a1a34597a5bc6d9411fd00fd 2aa804542aac84422a84c45c2a805ffe15ff7cc3d1eb7bdfd70b731fd1307b33 7f55aaaa7f512ae87f512ae67fd5f554402a9629847ed161805e99b18465d189 517f546eff0054aafe04549dff4054ea7e250085d4f754c3d0f978d154f855a8 042afec4aa55fe00ab51be37aa15fe400b70aa2f81a3fe6985acd27b11adff02"),
    ("blocks 295×673", 100, "d8db527fd91ed3bbd897fbcbebaa000cd165428459624281d9e8428657eae28e", "d8db527fd91ed3bbd897fbcbebaa000cd165428459624281d9e8428657eae28e 0e00230806000355ae08fffd5646cbff9e55bb5552aa47ff5708f63a1623ab7f 0dcdf8c34c45f911cdc15161ffffaaa60530e82e0537e82a4d3de82e033fea2c 5b5589a25354a9fffb5d555703036155cb0011ff07ffed55025d5cd0037601d5 5890ad941910ac44d8940434aaaafff35065bd7f5062bd7f1868bd7b56629f79 0dc5073c4c4506ee8dc1ae9effff5559053017d1053715d54d3d17d1033715d3 be89feff0601fcaaae280002565736aa9e5fc4aa52aaf800f70b69c5fe27dc90 5b557e5d53555600fb5daaa803039eaacb00ee0007ff12aa825fa36f4376fe2a"),
    ("blocks 692×632", 100, "ffff5555efeb57d527c216bfc7eff6bf1bea0042d8600102d8800140d8d8014e", "ffff5555efeb57d527c216bfc7eff6bf1bea0042d8600102d8800140d8d8014e a32a0cdda9002a55a0aa00ffbf80456aaf8a053aa7a06afda783f8feaf5158ff aaaabeaababefc727291bc1192905c154eb5aae80d35aba80dd1abe88d8da3a4 f657a675fc5500fff5feaa55ead5afc0eadfab90f0f50057e0560014e0008055 efebaaaaefeaa82027c0e900c7c009401be0ffb95820fefd1880febd9898f6b1 aaae0115babe0205729743ea92baa3ea4ebd55178d755457cdd554158dcd541b a32af32aa900d5aaa0aaff00bf80fa95bf8afae7a7a0d502a783d701afd1f700 f6571980fc557f00f5fe55aaead5003feadf104cf0f53fa8e05621a3f0000daa"),
    ("blocks 87×560", 100, "b6ca73ccfe96a3e33289eba902e8e9a986fc41bb7900ed40fd00be48fd08fe40", ""),
    ("blocks 589×419", 100, "a050bbfaa971bbfae2823f7f60003fff957dc1ea907dcf2a91aac08093e0c094", ""),
    ("blocks 626×248", 100, "f60d9ff8fe001cfbf553eaaa000a6abb19eadaaa10485aaa0fffe41569d5a140", ""),
    ("blocks 676×194", 100, "7fff0f17a5d610b7e7531afdef495afbf0f880001cd9a0a90c00a57fb09a1540", ""),
    ("blocks 250×445", 100, "55d2b2f5fe40fbd5d57a770adddaff0dde002d2d8a077932daf950502000c132", ""),
    ("blocks 326×132", 100, "7ea2561a69e5c2303ddfc37029e5d65f7c4dc2353dca93ba49a0562a3e0a68a5", ""),
    ("blocks 545×583", 100, "3f449c00d3555fffc34c517fcd55842acf40956aea3f9785ffb2aa8a44008a9a", ""),
    ("blocks 370×194", 100, "61709daf4b5a61f234e76b0fbe25747561589cafcb5ae0f0ab05aa18bea56030", ""),
    ("blocks 24×454", 100, "98f714a52015081306e6ce15030d66115870440811c4016e8464410651ada333", ""),
];

#[test]
fn pdq_equals_recorded_pdqhash_digests() {
    let Compute::Pixels { one, eight } = kinds::by_name("pdq").unwrap().compute else {
        panic!()
    };
    let Compute::Frames(frame) = kinds::by_name("vpdq").unwrap().compute else {
        panic!()
    };
    let all = pictures();
    for (name, quality, digest, turned) in RECORDED {
        // By name, not by position: only some of the pictures are recorded.
        let p = all.iter().find(|p| p.name == *name).expect("it is made");
        let pixels = Pixels::new(p.width, p.height, &p.rgb).unwrap();
        let ours = one(pixels);
        assert_eq!(
            (ours.quality, ours.digest.to_hex().as_str()),
            (*quality, *digest),
            "{name}"
        );
        // A frame's digest is the PDQ digest of its pixels.
        assert_eq!(frame(pixels).digest.to_hex(), *digest, "{name}");
        if !turned.is_empty() {
            assert_eq!(
                eight(pixels).map(|t| t.digest.to_hex()).join(" "),
                *turned,
                "{name}"
            );
        }
    }
    let zero = Digest::from_hex(&"0".repeat(64), 32).unwrap();
    // Checks the table itself: a digest of zeros means only that the picture is too small to hash.
    let telling = RECORDED.iter().filter(|r| r.2 != zero.to_hex());
    assert!(telling.count() >= 40, "most digests say something");
}
