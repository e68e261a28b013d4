//! Roots of all-zero subtrees (specs/02-memory.md, "Zero"), as constants.
//!
//! Owns two tables, so that the zero space costs no hashing and needs no allocator; a test derives them again.

use alloy_primitives::{B256, b256};

use super::layout::Kind;

/// `zero(kind)[h]`: root of an all-zero subtree of height `h` above a tree leaf of this kind, up to the region root.
#[must_use]
pub fn zero(kind: Kind) -> &'static [B256] {
    match kind {
        Kind::Control => &ZERO_CONTROL,
        Kind::Bulk => &ZERO_BULK,
    }
}

/// `zero_control[h]`: root of an all-zero subtree of height `h` above a control leaf.
pub static ZERO_CONTROL: [B256; 29] = [
    b256!("d397b3b043d87fcd6fad1291ff0bfd16401c274896d8c63a923727f077b8e0b5"),
    b256!("f73e6947d7d1628b9976a6e40d7b278a8a16405e96324a68df45b12a51b7cfde"),
    b256!("a1520264ae93cac619e22e8718fc4fa7ebdd23f493cad602434d2a58ff4868fb"),
    b256!("de5747106ac1194a1fa9071dbd6cf19dc2bc7964497ef0afec7e4bdbcf08c47e"),
    b256!("09c7082879180d28c789c05fafe7030871c76cedbe82c948b165d6a1d66ac15b"),
    b256!("aa7a02bcf29fba687f84123c808b5b48834ff5395abe98e622fadc14e4180c95"),
    b256!("7608fd46b710b589e0f2ee5a13cd9c41d432858a30d524f84c6d5db37f66273a"),
    b256!("a5d9a2f7f3573ac9a1366bc484688b4daf934b87ea9b3bf2e703da8fd9f09708"),
    b256!("6c1779477f4c3fca26b4607398859a43b90a286ce8062500744bd4949981757f"),
    b256!("45c22df3d952c33d5edce122eed85e5cda3fd61939e7ad7b3e03b6927bb598ea"),
    b256!("e68d02859bb6211cec64f52368b77d422de3b8eac34bf615942b814b643301b5"),
    b256!("62d78399b954d51cb9728601738ad13ddc43b2300064660716bb661d2f4d686f"),
    b256!("6e250d9abdbbb3993fce08de0395cdb56f0483e67d8762a798de011f6a50866a"),
    b256!("1d1a3a74062fd94078617e33eb901eaf16a830f67c387d8eed342db2ac5e2cc5"),
    b256!("19b3b3886526917eae8650223d0be20a0301be960eb339696e673ad8a804440f"),
    b256!("ee9e05df53f10e62a897e5140a3f58732dd849e69cd1d62b21ed80ead711a014"),
    b256!("2cc7aa6e611a113a34505dc1c96b220f14909b70e2c2c7b1a74655da21013c5e"),
    b256!("949b52dfece7ca3bad3cb27f7750ecaee64cedb6243a275c35984e92956c530a"),
    b256!("b2680d060b763b932c150434c3812ba9fbc50937e0ebcf5758de884be81bab65"),
    b256!("523aebf4a085edbc9c8cdc99c83f46262e5f029b395ff7bf561a48a3f387e6b8"),
    b256!("c9ab73827ab33c0cedb7ecf0ed2e6e32583c0fe887133a7f381ea4ba84d95b76"),
    b256!("23eb397dec7e564ebe97f160a5e1081a77d9861f316807079b6be4731beb331e"),
    b256!("dfa44a274c60f090df034aaf75539fd40e94cfd6362dd53d26ed20c8ad529563"),
    b256!("15b13ee358e1044a53381243c094e54bf7aceb9b5325a0313d6b85fd44e8b3a5"),
    b256!("1a7a93871e2daa0f1860aa91d4ece4ccd012dac5fe581176a21b155cfeca6d40"),
    b256!("b12665fd0b884a7c7d1e0294d369170d7e672d9e125eb87784556305f98292df"),
    b256!("2a5543b0b2f8cf550524390291774f4d6c8c0a25ff5393b09c44d75c92a5bd8e"),
    b256!("f9df1841a6e7164b67a1242f1c74975137085ffd9721831f6c469d3a4d5ba42e"),
    b256!("ba24736b1b48246c1f7803be967be43ca0dddc9c2c0687a2957952249bc89371"),
];

/// `zero_bulk[h]`: root of an all-zero subtree of height `h` above a bulk page.
pub static ZERO_BULK: [B256; 25] = [
    b256!("b6fb73fc46938c981e2b0b4b1ef282adcfc89854d01bfe3972fdc4785b41b2c7"),
    b256!("e89c3222ea09a7935b7df57feeacdb0fa48bc76c84513f1fb5135d275cb760d5"),
    b256!("2cc1a6eb0b10529febb1ceaafdd33cdfa3230b29523edcd229dc48d8ec279890"),
    b256!("ae57e610f155531f1e724f7e8adaf6950d944aa0893bb935951887d1645ea64f"),
    b256!("e6c37fe7cb58ba44a3e36e9da3705b0b8b591112245829874559482c896907e2"),
    b256!("4dd3b153f0347ceb22694bd7b0f28db7309305407ab5febcde6f5830b26eb6a6"),
    b256!("73444d443b32fdee3f9851b571052df3a8003a1dcb5b05c2795bd7fd2eeff995"),
    b256!("371d390281784967d2980490c48d1c5c02684b2af86618dc5e2f0440a11362ae"),
    b256!("b01a68bce656e07d9571fcf3465d94d76133b716eb9c6d3938b0782342855d76"),
    b256!("6a3e23bed35051ee8cd1755d5e7c10a37c21c679faea0aaec4a663f4ed1b19f7"),
    b256!("c21de2c430916bdcb78df17c873227196fab4de4466f68ca709dd1c2816b9258"),
    b256!("6fb24d474c218d44807ce645e408a823f90a2f9d358ac28e29fcfc4278bb228c"),
    b256!("34497a1029106bff9ac22be316879c6df02acb4e3c7b3da78b6e8642bf204835"),
    b256!("77cb826c549fda053648cf493073eb210f07666acebc564314571c86b982438a"),
    b256!("2aed21bda3db0af50497d08acf5dd8672546fbc1ec751f92d122506bffceacc0"),
    b256!("7bd43e9a9b4ab78da106c632b1cd3c4e007b9e3853fa8105fe1d772bdd0fa73b"),
    b256!("a9ef28cd0bbe50a02dedd5b4816b78825bdab0730fe9590dc4602eefabd22df2"),
    b256!("d06bb64f3f1072046a1aa3fe2307787743bf6837630630e9abd0873434777641"),
    b256!("4d5878970e8c3010d6d89eaaf727402ac2a11cf756a8fa0246047439f9155e37"),
    b256!("70bc7d50e821ed355dc4d7f187d83e539e6cda1d3ae9c4e09bc45b4bffa47235"),
    b256!("52d2e986f753771dd1d962a28641b7b0210305bd297e1523642344becaabe4b2"),
    b256!("686a540c9e37e28f90ca07551ba4f393d271c3f7123e589d830c394fad0cf571"),
    b256!("f060c96a65ad79504b39189f3e5e1dd3f25e95501962b9384a176d49320a7266"),
    b256!("35b55bc1ac3555243842c7ab3ba4a4bd75e8a53507c3b31e309de6accfa94243"),
    b256!("e5e79370496b6ab00cfdd1d9e4801b09c0249afca5780dfcdac027096af77d0b"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::layout::{BULK_DEPTH, CONTROL_DEPTH};
    use alloy_primitives::keccak256;

    #[test]
    fn tables_follow_from_their_definition() {
        assert_eq!(ZERO_CONTROL[0], keccak256([0; 256]));
        assert_eq!(ZERO_BULK[0].0, *blake3::hash(&[0; 4096]).as_bytes());
        for table in [&ZERO_CONTROL[..], &ZERO_BULK[..]] {
            for pair in table.windows(2) {
                assert_eq!(pair[1], keccak256([pair[0], pair[0]].concat()));
            }
        }
        assert_eq!((ZERO_CONTROL.len(), ZERO_BULK.len()), (CONTROL_DEPTH as usize + 1, BULK_DEPTH as usize + 1));
    }
}
