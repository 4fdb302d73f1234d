// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { ERC20 } from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// A token of the treasury-guard example; worth nothing.
contract TreasuryToken is ERC20 {
    constructor(address holder, uint256 supply) ERC20("Treasury example", "TRX") {
        _mint(holder, supply);
    }
}
