// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Programs} from "../src/Programs.sol";
import {StepVerifier} from "../src/StepVerifier.sol";
import {IPrograms} from "../src/interfaces/IPrograms.sol";
import {IStepVerifier} from "../src/interfaces/IStepVerifier.sol";
import {BlobRef, Descriptor, Mount} from "../src/types/Objects.sol";
import {Test} from "./base/Test.sol";

contract ProgramsTest is Test {
    IStepVerifier private verifier = new StepVerifier();
    Programs private programs = new Programs(verifier);

    event ProgramRegistered(bytes32 indexed program, Descriptor descriptor);

    /// @dev The example of chapter 5, whose id the machine computed.
    bytes32 private constant SUM = 0x7a67a4d64814003a9233d5ae1655f771b33d28525028c45d1b999623d3d6185c;

    function sum() private pure returns (Descriptor memory descriptor) {
        Mount[] memory mounts = new Mount[](1);
        mounts[0] = Mount(1, 0x6a9f0443acae20da6916ce06cba7b7491b8afa02334500b4ba678e87cd877d53);
        descriptor = Descriptor({
            version: 1,
            entryPc: 25,
            memoryPages: 1,
            memoryPagesMax: 65_536,
            wasm: BlobRef(0x84ff13c143e83c7007894bc01821681d36275455fa8ad141fd1d236111415f94, 226),
            mounts: mounts
        });
    }

    function test_register_exampleOfChapter5() external {
        vm.warp(77);
        vm.expectEmit(true, true, true, true, address(programs));
        emit ProgramRegistered(SUM, sum());
        assertEq(programs.register(sum()), SUM, "id");
        assertEq(programs.registeredAt(SUM), 77, "registered at");
        vm.warp(78);
        assertEq(programs.register(sum()), SUM, "again");
        assertEq(programs.registeredAt(SUM), 77, "again changes nothing");
        assertEq(programs.registeredAt(0), 0, "not registered");
    }

    function testFuzz_idHangsOnEveryField(uint8 field, uint32 value) external {
        Descriptor memory d = sum();
        value = value % 65_536 + 2;
        field %= 7;
        if (field == 0) d.entryPc = value + 25;
        if (field == 1) d.memoryPages = value;
        if (field == 2) d.memoryPagesMax = value - 1;
        if (field == 3) d.wasm.root = bytes32(uint256(value));
        if (field == 4) d.wasm.length = value + 226;
        if (field == 5) d.mounts[0].root = bytes32(uint256(value));
        if (field == 6) d.mounts[0].region = 2;
        vm.assume(d.memoryPages <= d.memoryPagesMax && !(field == 2 && value == 65_537));
        assertTrue(programs.register(d) != SUM, "another id");
    }

    function test_verifierOf_version() external {
        assertEq(address(programs.verifierOf(1)), address(verifier), "verifier");
        for (uint8 version = 0; version < 3; version++) {
            if (version == 1) continue;
            vm.expectRevert(abi.encodeWithSelector(IPrograms.VersionUnknown.selector, 1, version));
            programs.verifierOf(version);
            Descriptor memory d = sum();
            d.version = version;
            vm.expectRevert(abi.encodeWithSelector(IPrograms.VersionUnknown.selector, 1, version));
            programs.register(d);
        }
    }

    function test_register_memoryPages_reverts() external {
        Descriptor memory d = sum();
        d.memoryPagesMax = 65_537;
        vm.expectRevert(abi.encodeWithSelector(IPrograms.MemoryPages.selector, 65_536, 65_537));
        programs.register(d);
        d.memoryPagesMax = 3;
        d.memoryPages = 4;
        vm.expectRevert(abi.encodeWithSelector(IPrograms.MemoryPages.selector, 3, 4));
        programs.register(d);
        d.memoryPages = 3;
        programs.register(d);
    }

    function test_register_mounts_reverts() external {
        Descriptor memory d = sum();
        for (uint256 region = 0; region < 256; region++) {
            d.mounts[0].region = uint8(region);
            if (region == 4 || region == 5 || region > 15) {
                vm.expectRevert(abi.encodeWithSelector(IPrograms.MountRegion.selector, region));
            }
            programs.register(d);
        }
        d.mounts = new Mount[](3);
        d.mounts[1].region = 2;
        d.mounts[2].region = 2;
        vm.expectRevert(abi.encodeWithSelector(IPrograms.MountOrder.selector, 2, 2));
        programs.register(d);
        d.mounts[2].region = 1;
        vm.expectRevert(abi.encodeWithSelector(IPrograms.MountOrder.selector, 2, 1));
        programs.register(d);
        d.mounts[2].region = 3;
        programs.register(d);
    }
}
