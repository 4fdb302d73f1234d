// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// A loan that can fall due, as an example for an agent that guards it. Whoever deployed it moves the price.
contract TreasuryPool {
    uint256 public debt;
    uint256 public collateral;
    /// Of the newest notice, which is a text on a server, by whoever may write there.
    uint256 public notice;
    mapping(address recipient => uint256) public bought;

    IERC20 public immutable TOKEN;
    address public immutable KEEPER;

    error NotKeeper(address caller);

    constructor(IERC20 token, uint256 debt_, uint256 collateral_) {
        (TOKEN, KEEPER) = (token, msg.sender);
        (debt, collateral) = (debt_, collateral_);
    }

    /// What a program is told, by a call that it runs over proven state.
    function position() external view returns (uint256, uint256, uint256) {
        return (debt, collateral, notice);
    }

    function set(uint256 collateral_, uint256 notice_) external {
        require(msg.sender == KEEPER, NotKeeper(msg.sender));
        (collateral, notice) = (collateral_, notice_);
    }

    /// Pays back a part of the loan.
    function repay(uint256 amount) external {
        require(TOKEN.transferFrom(msg.sender, address(this), amount));
        debt -= amount;
    }

    /// Takes `amount` and gives what it buys to `recipient`.
    function swap(uint256 amount, address recipient) external {
        require(TOKEN.transferFrom(msg.sender, address(this), amount));
        bought[recipient] += amount;
    }
}
