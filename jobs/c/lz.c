/*
 * LZ4 compression and its inverse: the first byte of the input is the mode, the rest is the data.
 *
 *   'c'  compresses the data into one LZ4 frame, which the ordinary lz4 tool reads too;
 *   'd'  gives back the content of one LZ4 frame, whichever tool wrote it.
 *
 * Formats: LZ4 frame 1.6.3 and LZ4 block, https://github.com/lz4/lz4/tree/dev/doc. Dictionaries, skippable frames and
 * bytes behind the frame are refused. Data is streamed block by block through static buffers, whatever its length.
 * A broken frame ends the job with exit code 2 and one line on stderr; output written so far stays.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAGIC = 0x184D2204,
    VERSION = 1,
    BLOCK_MAX = 4 << 20,   /* the largest block that a frame may announce */
    BLOCK_SIZE = 64 << 10, /* the blocks that we write, also the farthest that a match reaches back */
    WINDOW = 64 << 10,
    MATCH_MIN = 4,
    LITERALS_LAST = 5,     /* a block ends with at least so many literals */
    MATCH_LAST = 12,       /* and no match begins closer to its end than this */
    HASH_BITS = 12,
};
static const uint32_t STORED = 0x80000000;

/* Bits of the frame's first flag byte. */
enum {
    HAS_DICTIONARY = 0x01,
    RESERVED_FLAG = 0x02,
    HAS_CONTENT_CHECKSUM = 0x04,
    HAS_CONTENT_SIZE = 0x08,
    HAS_BLOCK_CHECKSUM = 0x10,
    BLOCKS_INDEPENDENT = 0x20,
};

static _Noreturn void refuse(const char *reason) {
    fputs("lz: ", stderr);
    fputs(reason, stderr);
    fputs("\n", stderr);
    fflush(stdout);
    exit(2);
}

static void read_exact(uint8_t *to, size_t size) {
    if (fread(to, 1, size, stdin) != size)
        refuse("the frame ends too early");
}

static void write_all(const uint8_t *from, size_t size) {
    if (fwrite(from, 1, size, stdout) != size)
        refuse("the output can't be written");
}

static uint32_t load32(const uint8_t *at) {
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static void store32(uint8_t *at, uint32_t word) {
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(word >> 8 * i);
}

static uint32_t read32(void) {
    uint8_t bytes[4];
    read_exact(bytes, sizeof bytes);
    return load32(bytes);
}

static void write32(uint32_t word) {
    uint8_t bytes[4];
    store32(bytes, word);
    write_all(bytes, sizeof bytes);
}

/* ---- xxHash32, seed 0: the checksum of the frame format ---- */

static const uint32_t PRIME[5] = {2654435761u, 2246822519u, 3266489917u, 668265263u, 374761393u};

struct xxh32 {
    uint32_t lanes[4];
    uint64_t size;
    uint8_t pending[16];
};

static uint32_t rotate(uint32_t word, int bits) {
    return word << bits | word >> (32 - bits);
}

static uint32_t xxh32_round(uint32_t lane, uint32_t word) {
    return rotate(lane + word * PRIME[1], 13) * PRIME[0];
}

static void xxh32_init(struct xxh32 *hash) {
    *hash = (struct xxh32){.lanes = {PRIME[0] + PRIME[1], PRIME[1], 0, 0u - PRIME[0]}};
}

static void xxh32_update(struct xxh32 *hash, const uint8_t *data, size_t size) {
    while (size > 0) {
        size_t filled = hash->size % 16;
        size_t part = size < 16 - filled ? size : 16 - filled;
        memcpy(hash->pending + filled, data, part);
        hash->size += part;
        data += part;
        size -= part;
        if (hash->size % 16 == 0)
            for (int i = 0; i < 4; i++)
                hash->lanes[i] = xxh32_round(hash->lanes[i], load32(hash->pending + 4 * i));
    }
}

static uint32_t xxh32_digest(const struct xxh32 *hash) {
    const uint32_t *lanes = hash->lanes;
    uint32_t digest = hash->size < 16
        ? PRIME[4]
        : rotate(lanes[0], 1) + rotate(lanes[1], 7) + rotate(lanes[2], 12) + rotate(lanes[3], 18);
    digest += (uint32_t)hash->size;
    size_t at = 0, end = hash->size % 16;
    for (; at + 4 <= end; at += 4)
        digest = rotate(digest + load32(hash->pending + at) * PRIME[2], 17) * PRIME[3];
    for (; at < end; at++)
        digest = rotate(digest + hash->pending[at] * PRIME[4], 11) * PRIME[0];
    digest = (digest ^ digest >> 15) * PRIME[1];
    digest = (digest ^ digest >> 13) * PRIME[2];
    return digest ^ digest >> 16;
}

static uint32_t xxh32(const uint8_t *data, size_t size) {
    struct xxh32 hash;
    xxh32_init(&hash);
    xxh32_update(&hash, data, size);
    return xxh32_digest(&hash);
}

/* ---- blocks ---- */

static uint8_t *put_length(uint8_t *to, size_t length) {
    for (; length >= 255; length -= 255)
        *to++ = 255;
    *to++ = (uint8_t)length;
    return to;
}

/* One sequence: literals, then a match, which the last sequence of a block does not have (match == 0). */
static uint8_t *put_sequence(uint8_t *to, const uint8_t *literals, size_t count, size_t offset, size_t match) {
    size_t extra = match ? match - MATCH_MIN : 0;
    *to++ = (uint8_t)((count < 15 ? count : 15) << 4 | (extra < 15 ? extra : 15));
    if (count >= 15)
        to = put_length(to, count - 15);
    memcpy(to, literals, count);
    to += count;
    if (match == 0)
        return to;
    *to++ = (uint8_t)offset;
    *to++ = (uint8_t)(offset >> 8);
    return extra >= 15 ? put_length(to, extra - 15) : to;
}

/* Compresses at most BLOCK_SIZE bytes, always taking the last place with the same hash; returns the packed size. */
static size_t compress_block(const uint8_t *from, size_t size, uint8_t *packed) {
    static uint16_t places[1 << HASH_BITS];
    memset(places, 0, sizeof places);
    uint8_t *to = packed;
    size_t literals = 0, at = 0;
    while (at + MATCH_LAST <= size) {
        uint16_t *place = &places[load32(from + at) * PRIME[0] >> (32 - HASH_BITS)];
        size_t earlier = *place;
        *place = (uint16_t)at;
        if (earlier >= at || load32(from + earlier) != load32(from + at)) {
            at++;
            continue;
        }
        size_t match = MATCH_MIN;
        while (at + match < size - LITERALS_LAST && from[earlier + match] == from[at + match])
            match++;
        to = put_sequence(to, from + literals, at - literals, at - earlier, match);
        at += match;
        literals = at;
    }
    return (size_t)(put_sequence(to, from + literals, size - literals, 0, 0) - packed);
}

/* Reads the rest of a length that began with 15; a length is never let grow past what a block can hold. */
static size_t get_length(const uint8_t **from, const uint8_t *end, size_t length) {
    uint8_t byte;
    do {
        if (*from == end)
            refuse("a block ends inside a length");
        byte = *(*from)++;
        length += byte;
        if (length > BLOCK_MAX)
            refuse("a length is larger than a block");
    } while (byte == 255);
    return length;
}

/* Unpacks a block to `to`, matches reaching back to `oldest`; returns the size, at most `size_max`. */
static size_t decompress_block(const uint8_t *from, size_t packed, uint8_t *to, size_t size_max, const uint8_t *oldest) {
    const uint8_t *end = from + packed;
    uint8_t *at = to, *limit = to + size_max;
    for (;;) {
        if (from == end)
            refuse("a block ends without its last literals");
        uint8_t token = *from++;
        size_t literals = token >> 4;
        if (literals == 15)
            literals = get_length(&from, end, literals);
        if (literals > (size_t)(end - from))
            refuse("literals reach behind the end of their block");
        if (literals > (size_t)(limit - at))
            refuse("a block is larger than its frame allows");
        memcpy(at, from, literals);
        at += literals;
        from += literals;
        if (from == end)
            return (size_t)(at - to);

        if (end - from < 2)
            refuse("a block ends inside an offset");
        size_t offset = (size_t)from[0] | (size_t)from[1] << 8;
        from += 2;
        size_t match = token & 15;
        if (match == 15)
            match = get_length(&from, end, match);
        match += MATCH_MIN;
        if (offset == 0 || offset > (size_t)(at - oldest))
            refuse("a match reaches behind the beginning of the data");
        if (match > (size_t)(limit - at))
            refuse("a block is larger than its frame allows");
        /* Byte by byte, because a match may overlap what it produces. */
        for (; match > 0; match--, at++)
            *at = *(at - offset);
    }
}

/* ---- frames ---- */

static void compress(void) {
    static uint8_t data[BLOCK_SIZE], packed[BLOCK_SIZE + BLOCK_SIZE / 255 + 16];
    const uint8_t header[2] = {VERSION << 6 | BLOCKS_INDEPENDENT | HAS_CONTENT_CHECKSUM, 4 << 4};
    const uint8_t header_checksum = (uint8_t)(xxh32(header, sizeof header) >> 8);
    write32(MAGIC);
    write_all(header, sizeof header);
    write_all(&header_checksum, 1);

    struct xxh32 content;
    xxh32_init(&content);
    size_t size;
    while ((size = fread(data, 1, sizeof data, stdin)) > 0) {
        xxh32_update(&content, data, size);
        size_t packed_size = compress_block(data, size, packed);
        bool stored = packed_size >= size;
        write32(stored ? (uint32_t)size | STORED : (uint32_t)packed_size);
        write_all(stored ? data : packed, stored ? size : packed_size);
    }
    write32(0);
    write32(xxh32_digest(&content));
}

static void decompress(void) {
    /* The window holds what the preceding blocks left for matches to reach back to; `data` follows it in memory. */
    static uint8_t buffer[WINDOW + BLOCK_MAX], packed[BLOCK_MAX];
    uint8_t *data = buffer + WINDOW, *oldest = data;

    if (read32() != MAGIC)
        refuse("the input is not an LZ4 frame");
    uint8_t header[10];
    size_t header_size = 2;
    read_exact(header, header_size);
    uint8_t flags = header[0], block_code = header[1] >> 4;
    if (flags >> 6 != VERSION || flags & RESERVED_FLAG || header[1] & 0x8F || block_code < 4)
        refuse("the frame's header is of an unknown version");
    if (flags & HAS_DICTIONARY)
        refuse("frames with a dictionary are not supported");
    if (flags & HAS_CONTENT_SIZE) {
        read_exact(header + header_size, 8);
        header_size += 8;
    }
    uint8_t header_checksum;
    read_exact(&header_checksum, 1);
    if (header_checksum != (uint8_t)(xxh32(header, header_size) >> 8))
        refuse("the header's checksum is wrong");
    size_t block_max = (size_t)1 << (8 + 2 * block_code);

    struct xxh32 content;
    xxh32_init(&content);
    uint32_t word;
    while ((word = read32()) != 0) {
        size_t packed_size = word & ~STORED;
        if (packed_size > block_max)
            refuse("a block is larger than its frame allows");
        read_exact(packed, packed_size);
        if (flags & HAS_BLOCK_CHECKSUM && read32() != xxh32(packed, packed_size))
            refuse("a block's checksum is wrong");
        size_t size = packed_size;
        if (word & STORED)
            memcpy(data, packed, size);
        else
            size = decompress_block(packed, packed_size, data, block_max, oldest);
        xxh32_update(&content, data, size);
        write_all(data, size);
        if (!(flags & BLOCKS_INDEPENDENT)) {
            size_t kept = (size_t)(data - oldest) + size;
            kept = kept < WINDOW ? kept : WINDOW;
            memmove(data - kept, data + size - kept, kept);
            oldest = data - kept;
        }
    }
    if (flags & HAS_CONTENT_CHECKSUM && read32() != xxh32_digest(&content))
        refuse("the content's checksum is wrong");
    if (flags & HAS_CONTENT_SIZE && (load32(header + 2) | (uint64_t)load32(header + 6) << 32) != content.size)
        refuse("the content's size is wrong");
    if (getchar() != EOF)
        refuse("bytes follow the frame");
}

int main(void) {
    switch (getchar()) {
    case 'c':
        compress();
        break;
    case 'd':
        decompress();
        break;
    default:
        refuse("the first byte must be the mode, c or d");
    }
    if (ferror(stdin))
        refuse("the input can't be read");
    if (fflush(stdout) != 0)
        refuse("the output can't be written");
    return 0;
}
