//! The presets keep their relations, and each relation is one that numbers can break.

use super::*;
use alloc::string::ToString;
use alloc::vec::Vec;

#[test]
fn every_preset_keeps_every_relation() {
    for preset in Preset::ALL {
        let parameters = preset.parameters(Address::with_last_byte(1));
        assert_eq!(parameters.check(&preset.assumptions()), Ok(()), "{preset}");
        assert_eq!(parameters.treasury, Address::with_last_byte(1));
        assert_eq!(preset.name().parse(), Ok(preset));
    }
    assert!("Mainnet".parse::<Preset>().unwrap_err().to_string().contains("no preset \"Mainnet\""));
}

#[test]
fn a_stake_outlasts_whatever_may_hang_on_it() {
    for preset in Preset::ALL {
        let Parameters { window, clock, notice_period, as_of_age_max, .. } = preset.parameters(Address::ZERO);
        // Registered to the last second, posted as late as may be, challenged in the window's last second, both clocks run out.
        let longest = notice_period + as_of_age_max + window + 2 * clock;
        let delay = preset.parameters(Address::ZERO).withdrawal_delay();
        assert!(delay > longest, "{preset}: {delay} > {longest}");
    }
}

/// Whoever watches a devnet sees every ending within minutes: a result final, a game over, a stake gone home.
#[test]
fn devnet_is_watched_to_its_end() {
    let devnet = Preset::Devnet.parameters(Address::ZERO);
    assert!(devnet.window <= 60 && devnet.notice_period <= 10);
    assert!(devnet.window + 2 * devnet.clock <= 180, "the fate of every claim");
    assert!(devnet.withdrawal_delay() <= 300, "{} seconds for a stake", devnet.withdrawal_delay());
    // A batch in every block of a second: what is on L1 can be named for longer than anybody watches.
    assert!(devnet.source_horizon >= 15 * 60);
}

#[test]
fn mainnet_is_what_the_chapter_argues_for() {
    let mainnet = Preset::Mainnet.parameters(Address::ZERO);
    let days = 24 * 60 * 60;
    assert_eq!((mainnet.window, mainnet.clock, mainnet.notice_period), (8 * days, 8 * days, days));
    assert_eq!((mainnet.burn_share_bps, mainnet.fuel_limit_max), (6000, (1 << 36) - 1));
}

/// The longest runs that one worker defends at once, as the table of specs/19-executor.md has them.
#[test]
fn what_can_be_defended_at_once_is_reckoned_from_the_assumptions() {
    let expected = [
        // 60 seconds less six inclusions of 2.
        (Preset::Devnet, 48, 1),
        // 14,400 less 7,200 of censorship and six inclusions of 60.
        (Preset::Testnet, 6_840, 3),
        // 691,200 less 604,800 of censorship and six inclusions of 600.
        (Preset::Mainnet, 82_800, 40),
    ];
    for (preset, seconds, longest) in expected {
        let (parameters, assumptions) = (preset.parameters(Address::ZERO), preset.assumptions());
        let one = parameters.defensible_steps(&assumptions, 1);
        // 100 million steps a second, each run three times.
        assert_eq!(one, seconds * 100_000_000 / 3, "{preset}");
        assert_eq!(one / (parameters.fuel_limit_max + 1), longest, "{preset}");
        let of = |workers| parameters.defensible_steps(&assumptions, workers);
        assert_eq!((of(0), of(6), of(u64::MAX)), (0, 6 * seconds * 100_000_000 / 3, u64::MAX), "{preset}");
        let censored = Assumptions { censorship: u64::MAX, inclusion: u64::MAX };
        assert_eq!(parameters.defensible_steps(&censored, 1), 0, "{preset}");
        // Six inclusions more, of a second each.
        let slower = Assumptions { inclusion: assumptions.inclusion + 1, ..assumptions };
        assert_eq!(parameters.defensible_steps(&slower, 1), (seconds - 6) * 100_000_000 / 3, "{preset}");
    }
}

#[test]
fn each_relation_is_named_when_it_breaks() {
    type Break = fn(&mut Parameters);
    let breaks: Vec<(&str, Break)> = [
        ("window: 0, at least 1", (|p| p.window = 0) as Break),
        ("window: 4294967296, at most 4294967295", |p| p.window = 1 << 32),
        ("clock: 0, at least 1", |p| p.clock = 0),
        ("notice period: 0, at least 1", |p| p.notice_period = 0),
        ("age of as_of: 0, at least 1", |p| p.as_of_age_max = 0),
        ("withdrawal margin: 0, at least 1", |p| p.withdrawal_margin = 0),
        // 3600 of age, twice 600 of inclusion.
        ("withdrawal margin: 4799, at least 4800", |p| p.withdrawal_margin = 4799),
        // 604800 of censorship, three passes of 688 seconds, six inclusions of 600.
        ("clock: 610463, at least 610464", |p| p.clock = 610_463),
        ("window: 607463, at least 607464", |p| p.window = 607_463),
        ("burn share: 10001, at most 10000", |p| p.burn_share_bps = 10_001),
        ("burn share: 4999, at least 5000", |p| p.burn_share_bps = 4_999),
        ("gas margin: 2499, at least 2500", |p| p.gas_margin_bps = 2_499),
        ("base fee cap: 0, at least 1", |p| p.base_fee_max = U256::ZERO),
        // 1.25 * 1,100,000 gas at 100 gwei, and 0.01 ether.
        ("challenge bond: 1, at least 147500000000000000", |p| p.challenge_bond = U256::ONE),
        ("executor stake: 1, at least 6000000000000000000", |p| p.executor_stake = U256::ONE),
        ("sequencer stake: 1, at least 8000000000000000000", |p| p.sequencer_stake = U256::ONE),
        ("pot of a conviction: 0, at least 160000000000000000", |p| p.burn_share_bps = 10_000),
        ("fuel limit: 0, at least 1", |p| p.fuel_limit_max = 0),
        ("output limit: 68719476737, at most 68719476736", |p| p.output_length_max = (1 << 36) + 1),
        ("input length: 68719476737, at most 68719476736", |p| p.input_length_max = (1 << 36) + 1),
        ("source horizon: 0, at least 1", |p| p.source_horizon = 0),
        ("chain length: 0, at least 1", |p| p.chain_length_max = 0),
        ("fuel limit: 1099511627776, at most 1099511627775", |p| {
            p.fuel_limit_max = 1 << 40;
            p.clock = PERIOD_MAX;
            p.window = PERIOD_MAX;
        }),
    ]
    .into();
    for (wanted, break_it) in breaks {
        let mut parameters = Preset::Mainnet.parameters(Address::ZERO);
        break_it(&mut parameters);
        let error = parameters.check(&Preset::Mainnet.assumptions()).unwrap_err();
        assert_eq!(error.to_string(), wanted);
    }
}
