#!/usr/bin/env node
// The whole command is in the package adyton; this one brings the libraries that a node needs.
import "adyton/command";
