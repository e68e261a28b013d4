// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice The games that stay one executor's claims, in the order of their commitments.
struct StayQueue {
    bytes32 oldest;
    bytes32 newest;
}

/// @notice A stay's neighbours in its queue.
struct StayLink {
    bytes32 older;
    bytes32 newer;
}

/// @title Open stays by age (chapter 13, "Conviction and fate")
/// @notice A stay holds every claim of its executor whose window ends at or after its commitment, until its game is over. So
/// the oldest open one decides, and a queue from which any stay can be taken in constant time is all that has to be kept.
library Stays {
    function push(StayQueue storage queue, mapping(bytes32 => StayLink) storage links, bytes32 game) internal {
        bytes32 newest = queue.newest;
        if (newest == 0) {
            queue.oldest = game;
        } else {
            links[newest].newer = game;
            links[game].older = newest;
        }
        queue.newest = game;
    }

    function remove(StayQueue storage queue, mapping(bytes32 => StayLink) storage links, bytes32 game) internal {
        StayLink memory link = links[game];
        if (link.older == 0) queue.oldest = link.newer;
        else links[link.older].newer = link.newer;
        if (link.newer == 0) queue.newest = link.older;
        else links[link.newer].older = link.older;
        delete links[game];
    }
}
