// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {DataWindow} from "../libraries/DataPages.sol";
import {Batch, BlobRef} from "./Objects.sol";

/// @notice A batch as it was posted, and as much of its data as a proof reads.
struct Evidence {
    Batch batch;
    /// Each span that is read lies in one of them: a record or an entry that straddles pages takes a window of two.
    DataWindow[] windows;
}

/// @notice What a batch's directory says of a blob (chapter 12, "Directory").
struct Entry {
    BlobRef blob;
    uint32 encoding;
    /// Number of the page of the data on which the blob's area begins.
    uint32 firstPage;
}
