// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Standing} from "../../src/interfaces/ICourt.sol";
import {Game, Phase} from "../../src/types/Games.sol";
import {Fate, LeafProof, Source, SourceKind} from "../../src/types/Objects.sol";
import {CourtBooks, Entry} from "./CourtBooks.sol";

/// @notice The fate of each leaf as chapters 12 and 13 word it, worked out from times, games and what was proven of batches,
/// and held to what L1 says of the leaf by its proof, and of the leaves that feed it by theirs.
abstract contract FateBooks is CourtBooks {
    /// @dev The arena's `chainLengthMax`.
    uint256 private constant CHAIN_MAX = 3;

    /// @dev How often each fate was for ever; how often a leaf was final by itself, by one and by two others' outputs; and how
    /// often one was no more than attested since a batch had fallen that its data was in.
    function reachedFates() external view returns (uint256[5] memory fates, uint256[4] memory chains) {
        for (uint256 i = 0; i < entries.length; i++) {
            if (!entries[i].isDecided) continue;
            fates[uint256(entries[i].fate)]++;
            if (entries[i].fate == Fate.Final) chains[chainOf(i).length - 1]++;
            if (entries[i].fate == Fate.Attested && hasFallenSource(entries[i])) chains[3]++;
        }
    }

    /// @dev Fates: those that the rules give, in the court and of the whole leaf; once void, attested or final for ever so; none
    /// of an honest executor's void but by its sequencer.
    function checkFates() external view {
        for (uint256 i = 0; i < parties.length; i++) {
            if (parties[i].isHonest) assertTrue(!isConvicted(parties[i].owner), "honest executors stand");
        }
        Game[] memory games = gamesNow();
        for (uint256 i = 0; i < entries.length; i++) {
            Entry memory entry = entries[i];
            LeafProof[] memory chain = chainOf(i);
            Fate fate = batches.fateOf(chain, programsOf(chain));
            if (entry.isDecided) assertEq(uint256(fate), uint256(entry.fate), "void, attested and final are for ever");
            bool isHonest = partyOf(entry.executor).isHonest;
            if (isHonest && fate == Fate.Void) assertTrue(isFaulted(entry), "honest claims stand but for their batch");
            (Standing standing,) = court.standingOf(claimOf(entry.proof), entry.executor, postedAt(entry.proof));
            assertEq(uint256(standing), uint256(ownStanding(i, games)), "how a claim stands in court, by the rules");
            assertEq(uint256(fate), uint256(wholeFate(i, games)), "the fate of a leaf, by the rules");
            Fate own = ownFate(i, games);
            Fate unrelied = own == Fate.Final ? Fate.Attested : own;
            assertEq(
                uint256(batches.fateOf(chain, new bytes32[](0))), uint256(unrelied), "for whoever relies on no program"
            );
        }
    }

    /// @dev After each call the books take down what has become of the claims.
    function takeDown() internal override {
        renew();
        for (uint256 i = 0; i < entries.length; i++) {
            if (entries[i].isDecided) continue;
            LeafProof[] memory chain = chainOf(i);
            Fate fate = batches.fateOf(chain, programsOf(chain));
            if (fate != Fate.Pending && fate != Fate.Challenged) {
                (entries[i].fate, entries[i].isDecided) = (fate, true);
            }
        }
    }

    /// @dev A leaf and those that feed it, as far as L1 asks for them.
    function chainOf(uint256 index) private view returns (LeafProof[] memory chain) {
        uint256 length = 1;
        for (uint256 link = index; length < CHAIN_MAX && entries[link].feeder != 0; length++) {
            link = entries[link].feeder - 1;
        }
        chain = new LeafProof[](length);
        for (uint256 i = 0; i < length; i++) {
            chain[i] = entries[index].proof;
            index = entries[index].feeder - (i + 1 < length ? 1 : 0);
        }
    }

    /// @dev The programs that a chain's records name, for those who rely on all of them.
    function programsOf(LeafProof[] memory chain) private pure returns (bytes32[] memory programs) {
        programs = new bytes32[](chain.length);
        for (uint256 i = 0; i < chain.length; i++) {
            bytes memory record = chain[i].record;
            bytes32 program;
            assembly ("memory-safe") {
                // Behind the length: sequence and client, then the program.
                program := mload(add(record, 60))
            }
            programs[i] = program;
        }
    }

    function gamesNow() private view returns (Game[] memory games) {
        games = new Game[](matches.length);
        for (uint256 i = 0; i < games.length; i++) {
            games[i] = court.gameOf(matches[i].table.id);
        }
    }

    /// @dev Chapter 12, "Fates", for whoever relies on every program.
    function wholeFate(uint256 index, Game[] memory games) private view returns (Fate fate) {
        for (uint256 length = 1;; length++) {
            Fate own = ownFate(index, games);
            if (length > 1 && own == Fate.Void) return Fate.Attested;
            if (own != Fate.Final) return own;
            Entry memory entry = entries[index];
            if (!isThere(entry, entry.wasm)) return Fate.Attested;
            if (entry.feeder == 0) return isThere(entry, entry.input) ? Fate.Final : Fate.Attested;
            if (length == CHAIN_MAX) return Fate.Attested;
            index = entry.feeder - 1;
        }
    }

    /// @dev Of a leaf by itself, as if all that its run needs were L1 data.
    function ownFate(uint256 index, Game[] memory games) private view returns (Fate) {
        if (isFaulted(entries[index])) return Fate.Void;
        Standing standing = ownStanding(index, games);
        if (standing == Standing.Void) return Fate.Void;
        if (standing == Standing.Held) return Fate.Challenged;
        return block.timestamp <= windowEnd(index) ? Fate.Pending : Fate.Final;
    }

    /// @dev Chapter 13, "Conviction and fate". Of a convict, games that are not lost were open when it fell, and none was opened
    /// since.
    function ownStanding(uint256 index, Game[] memory games) private view returns (Standing) {
        Entry storage entry = entries[index];
        uint256 convictedAt = partyOf(entry.executor).convictedAt;
        bool hasGames = false;
        uint256 from = NEVER;
        for (uint256 i = 0; i < games.length; i++) {
            if (games[i].executor != entry.executor || games[i].phase == Phase.Lost) continue;
            if (convictedAt == 0 && !isRunning(games[i])) continue;
            if (matches[i].claim == index) hasGames = true;
            if (games[i].isStay && games[i].committedAt < from) from = games[i].committedAt;
        }
        if (convictedAt == 0) return hasGames || from <= windowEnd(index) ? Standing.Held : Standing.Clear;
        if (convictedAt < from) from = convictedAt;
        return hasGames || from <= windowEnd(index) ? Standing.Void : Standing.Clear;
    }

    function windowEnd(uint256 index) private view returns (uint256) {
        return dossiers[entries[index].dossier].postedAt + WINDOW;
    }

    /// @dev Whether bytes are L1 data of a batch that is not void. That they are where the source says is not asked here: a
    /// batch that says so wrongly has a fault on its face.
    function isThere(Entry memory entry, Source memory source) private view returns (bool) {
        if (source.kind == SourceKind.Here) return true;
        if (source.kind != SourceKind.Earlier) return false;
        uint256 first = posters[dossiers[entry.dossier].poster].firstDossier;
        return dossiers[first + source.batch].voidedAt == 0;
    }

    /// @dev Of a leaf that is no more than attested: whether all that its run needs has been L1 data once.
    function hasFallenSource(Entry memory entry) private view returns (bool) {
        bool hasInput = entry.input.kind == SourceKind.Earlier || isThere(entry, entry.input);
        bool hasWasm = entry.wasm.kind == SourceKind.Earlier || isThere(entry, entry.wasm);
        return hasInput && hasWasm;
    }
}
