//! Counts the primes up to a limit with a segmented sieve of Eratosthenes.
//!
//! Input: the limit in decimal, at most `limit_max`, on one line. Output: `count largest sum` of the primes, `largest`
//! being 0 when there are none. Memory is static whatever the limit. Only WASI's calls are used, no part of std.Io, so
//! the binary stays at a few kilobytes.

const std = @import("std");
const wasi = std.os.wasi;

const limit_max: u64 = 10_000_000_000;
/// The largest number whose multiples must be crossed out: the square root of `limit_max`.
const root_max = 100_000;
const segment_size = 32 * 1024;
const exit_refused = 2;

comptime {
    std.debug.assert(root_max * root_max >= limit_max);
}

/// An odd prime whose square has been reached, with the next odd multiple of it to cross out.
const Sieving = struct { prime: u64, next: u64 };

/// There are 9,591 odd primes below `root_max`.
var sieving: [9_591]Sieving = undefined;
var composite_roots: [root_max + 1]bool = @splat(false);
var composite: [segment_size]bool = undefined;

const Totals = struct { count: u64 = 0, largest: u64 = 0, sum: u64 = 0 };

pub fn main() u8 {
    var input: [64]u8 = undefined;
    const size = read_all(&input) orelse return refuse("one line with one number is wanted");
    const text = std.mem.trimEnd(u8, input[0..size], "\r\n");
    const limit = std.fmt.parseInt(u64, text, 10) catch return refuse("the limit is not a number");
    if (limit > limit_max) return refuse(std.fmt.comptimePrint("the limit is above {}", .{limit_max}));

    const totals = sieve(limit);
    var output: [96]u8 = undefined;
    // Three numbers of at most 20 digits always fit.
    const line = std.fmt.bufPrint(&output, "{} {} {}\n", .{ totals.count, totals.largest, totals.sum }) catch unreachable;
    return if (write_all(1, line)) 0 else refuse("the output can't be written");
}

/// Counts and adds all primes up to `limit`. Place i of a segment stands for the odd number `low + 2 i`.
fn sieve(limit: u64) Totals {
    var totals: Totals = .{};
    if (limit >= 2) totals = .{ .count = 1, .largest = 2, .sum = 2 };

    var sieving_count: usize = 0;
    var root: u64 = 3;
    var low: u64 = 3;
    while (low <= limit) : (low += 2 * segment_size) {
        const high = @min(limit, low + 2 * (segment_size - 1));
        const segment = composite[0..@intCast((high - low) / 2 + 1)];
        @memset(segment, false);

        while (root * root <= high) : (root += 2) {
            if (composite_roots[@intCast(root)]) continue;
            var multiple = root * root;
            while (multiple <= root_max) : (multiple += 2 * root) composite_roots[@intCast(multiple)] = true;
            sieving[sieving_count] = .{ .prime = root, .next = root * root };
            sieving_count += 1;
        }
        for (sieving[0..sieving_count]) |*entry| {
            var place = (entry.next - low) / 2;
            while (place < segment.len) : (place += entry.prime) segment[@intCast(place)] = true;
            entry.next = low + 2 * place;
        }
        for (segment, 0..) |is_composite, place| {
            if (is_composite) continue;
            const prime = low + 2 * place;
            totals = .{ .count = totals.count + 1, .largest = prime, .sum = totals.sum + prime };
        }
    }
    return totals;
}

/// Reads stdin to its end; null when it fails or does not fit.
fn read_all(buffer: []u8) ?usize {
    var filled: usize = 0;
    while (filled < buffer.len) {
        const rest = buffer[filled..];
        const vectors = [1]wasi.iovec_t{.{ .base = rest.ptr, .len = rest.len }};
        var size: usize = 0;
        if (wasi.fd_read(0, &vectors, 1, &size) != .SUCCESS) return null;
        if (size == 0) return filled;
        filled += size;
    }
    return null;
}

fn write_all(fd: wasi.fd_t, bytes: []const u8) bool {
    var written: usize = 0;
    while (written < bytes.len) {
        const rest = bytes[written..];
        const vectors = [1]wasi.ciovec_t{.{ .base = rest.ptr, .len = rest.len }};
        var size: usize = 0;
        if (wasi.fd_write(fd, &vectors, 1, &size) != .SUCCESS) return false;
        written += size;
    }
    return true;
}

fn refuse(comptime reason: []const u8) u8 {
    // If even stderr is closed there is nobody left to tell; the exit code still says it.
    _ = write_all(2, "primes: " ++ reason ++ "\n");
    return exit_refused;
}
