//! The table of rules: number, name, text. Chapter 13 lists the same, and a test holds the two together.
//!
//! Owns the refusal [`Violation`], which names the rule that an action breaks. It never decides whether a rule holds.

/// Makes the enum and its table from one list.
macro_rules! rules {
    ($($number:literal $name:ident $text:literal)*) => {
        /// A rule of the game.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Rule {
            $(#[doc = $text] $name,)*
        }

        impl Rule {
            /// All rules, by number.
            pub const ALL: &'static [Rule] = &[$(Rule::$name,)*];

            /// Its number in chapter 13: 1 is G1.
            #[must_use]
            pub const fn number(self) -> u32 {
                match self { $(Rule::$name => $number,)* }
            }

            /// What it says.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self { $(Rule::$name => $text,)* }
            }
        }
    };
}

rules! {
    1 CommitInWindow "a commitment falls inside the claim's window, its last second included"
    2 CommitOnLive "a commitment names a claim that is not void, of an executor not convicted"
    3 ManyGames "any number of games may be open on a claim, whatever became of others on it"
    4 NoStakeLocked "opening a game locks no stake of the executor"
    5 StayBond "a stay's bond is at least the executor's stake"
    6 RevealLater "a reveal is at least one block later than its commitment"
    7 RevealBound "the reveal shows the opening that its sender committed to"
    8 AnyRecordOpens "any record whose hash is the last hash may be opened, canonical or not"
    9 OpeningContradicts "the opened record is not halted, or halted and implies something other than the claim"
    10 BootComputed "state 0 is computed by L1 from the job, never submitted"
    11 ExactCount "a dissection of a part of length L has exactly min(arity, L) hashes"
    12 SideToMove "only the side to move may move"
    13 AnswersState "a move carries the state of the game that it answers"
    14 WithinClock "a move is valid iff block time <= expiry"
    15 DisputedProven "the disputed hash is proven to be the opponent's j-th"
    16 AcceptedProven "the accepted hash is proven to be the opponent's (j-1)-th, or the inherited start for j = 1"
    17 EndDiffers "the last hash of a reply differs from the disputed hash"
    18 StepAtOne "a part of length one is answered by a step, a longer one by a dissection"
    19 StepDiffers "a step wins only if its outcome differs from the disputed hash"
    20 StepTotal "L1 can step from every state"
    21 TimeoutLate "a timeout may be called iff block time > expiry"
    22 OneClock "a side has one clock for the whole game"
    23 MoverPays "only the clock of the side to move runs"
    24 LossConvicts "the first lost game convicts the executor"
    25 ConvictionVoids "conviction voids every claim of the convict that is not final"
    26 ConvictionEnds "conviction ends all games of the convict, for their challengers"
    27 GamesHold "a claim with an open game is not final"
    28 StayHolds "no claim of the executor whose window ends at or after an open stay's commitment is final"
    29 WithdrawLate "stake leaves after the last claim's window and two clocks, and with no game open"
    30 ShareBurned "a fixed share of a slashed stake is burned"
    31 GasForAll "the pot first pays the gas of every game against the convict that is not lost"
    32 PotCaps "never more than the pot is paid: pro rata if it is short"
    33 EarlyOnly "the remainder goes to games committed in a block strictly before the first reveal of their opening on the claim"
    34 SameOpening "the remainder goes to games that opened as the convicting game did"
    35 LoserPays "a losing challenger pays the executor's gas with a margin, the rest of its bond is burned"
}

/// Why an action is refused. The state is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// It breaks a rule.
    #[error("G{}: {}; got {got}, wanted {wanted}", rule.number(), rule.text())]
    Breaks {
        /// Which one.
        rule: Rule,
        /// What the action has.
        got: i64,
        /// The bound, or value, that the rule asks for.
        wanted: i64,
    },
    /// It needs a game in another phase, or one that exists.
    #[error("game {game} is not in the phase that the action needs")]
    Phase {
        /// Index of the game.
        game: usize,
    },
    /// It names a part or a player that does not exist.
    #[error("{what} {got} does not exist, there are {count}")]
    Range {
        /// What is counted.
        what: &'static str,
        /// The index given.
        got: usize,
        /// How many there are.
        count: usize,
    },
}
