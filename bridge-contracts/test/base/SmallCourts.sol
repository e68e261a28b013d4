// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Court} from "../../src/Court.sol";
import {IBatches} from "../../src/interfaces/IBatches.sol";
import {IBonds} from "../../src/interfaces/IBonds.sol";
import {IPrograms} from "../../src/interfaces/IPrograms.sol";
import {Parameters} from "../../src/types/Parameters.sol";

// Courts of other arities: smaller ones make deep games of short runs, and 16 and 256 stand beside 64 in the table of gas.
// Nothing else differs.

contract CourtOf2 is Court {
    constructor(Parameters memory parameters, IBonds bonds, IPrograms programs, IBatches batches)
        Court(parameters, bonds, programs, batches)
    {}

    function arityLog2() public pure override returns (uint8) {
        return 1;
    }
}

contract CourtOf4 is Court {
    constructor(Parameters memory parameters, IBonds bonds, IPrograms programs, IBatches batches)
        Court(parameters, bonds, programs, batches)
    {}

    function arityLog2() public pure override returns (uint8) {
        return 2;
    }
}

contract CourtOf16 is Court {
    constructor(Parameters memory parameters, IBonds bonds, IPrograms programs, IBatches batches)
        Court(parameters, bonds, programs, batches)
    {}

    function arityLog2() public pure override returns (uint8) {
        return 4;
    }
}

contract CourtOf256 is Court {
    constructor(Parameters memory parameters, IBonds bonds, IPrograms programs, IBatches batches)
        Court(parameters, bonds, programs, batches)
    {}

    function arityLog2() public pure override returns (uint8) {
        return 8;
    }
}
