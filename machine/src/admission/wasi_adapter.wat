;; WASI preview 1 over the host interface of the Assay machine.
;;
;; This module is linked into every program that imports from `wasi_snapshot_preview1`. It works on the program's own
;; memory, so a bad pointer traps as any access out of bounds does, and it keeps its state in globals, so it needs no
;; memory of its own. All 46 functions of preview 1 are here. What is not supported returns an errno; no call that has
;; no meaning here succeeds in silence.
;;
;; What a program finds:
;;
;;   arguments, environment   none, not even a program name
;;   clocks                   all stand at 2024-01-01T00:00:00Z, resolution 1 ns
;;   random bytes             a fixed stream: SplitMix64 from seed 0, little-endian, a fresh word for each call
;;   descriptor 0, stdin      the input: a regular file that can be read, sought and polled
;;   descriptor 1, stdout     the output: a pipe (file type "unknown", as hosts report a pipe), written only
;;   descriptor 2, stderr     a pipe whose bytes are discarded, unread
;;   other descriptors        none: EBADF, which ends every libc's search for preopened directories
;;   paths                    no directory is open, so each path call is ENOTDIR or EBADF by its descriptor
;;   sockets                  ENOTSOCK or EBADF
;;   poll                     every subscription is due at once: time never passes, and streams never wait
;;
;; stdout is no character device, so that C's stdio buffers it fully; a terminal would cost a write for each line.

(module $wasi
  (import "assay" "input_size" (func $input_size (result i64)))
  (import "assay" "input_read" (func $input_read (param $dst i32) (param $offset i64) (param $len i32) (result i32)))
  (import "assay" "output_write" (func $output_write (param $src i32) (param $len i32)))
  (import "assay" "exit" (func $exit (param $code i32)))
  (import "program" "memory" (memory 0))

  ;; One byte for each of the descriptors 0, 1, 2: 0 closed, 1 input, 2 output, 3 discard. The top byte stays 0.
  (global $streams (mut i32) (i32.const 0x00030201))
  ;; Where the next read of the input begins. Never negative as a signed number.
  (global $position (mut i64) (i64.const 0))
  ;; State of SplitMix64.
  (global $random (mut i64) (i64.const 0))

  ;; errno: 0 success, 8 badf, 28 inval, 54 notdir, 57 notsock, 58 notsup, 70 spipe
  ;; (the numbers of `__wasi_errno_t`)

  ;; ---------------------------------------------------------------------------------------------- descriptors

  ;; What a descriptor stands for: 0 nothing, 1 input, 2 output, 3 discard.
  (func $stream (param $fd i32) (result i32)
    (if (i32.gt_u (local.get $fd) (i32.const 2)) (then (return (i32.const 0))))
    (i32.and
      (i32.shr_u (global.get $streams) (i32.shl (local.get $fd) (i32.const 3)))
      (i32.const 0xff)))

  ;; Makes a descriptor, 0 to 2, stand for a stream.
  (func $set_stream (param $fd i32) (param $stream i32)
    (local $shift i32)
    (local.set $shift (i32.shl (local.get $fd) (i32.const 3)))
    (global.set $streams
      (i32.or
        (i32.and
          (global.get $streams)
          (i32.xor (i32.shl (i32.const 0xff) (local.get $shift)) (i32.const -1)))
        (i32.shl (local.get $stream) (local.get $shift)))))

  ;; `errno` for an open descriptor, badf for any other.
  (func $refuse (param $fd i32) (param $errno i32) (result i32)
    (select (local.get $errno) (i32.const 8) (call $stream (local.get $fd))))

  ;; `at_input` for the input, spipe for a pipe, badf for any other.
  (func $seekable (param $fd i32) (param $at_input i32) (result i32)
    (local $stream i32)
    (local.set $stream (call $stream (local.get $fd)))
    (if (i32.eq (local.get $stream) (i32.const 1)) (then (return (local.get $at_input))))
    (select (i32.const 70) (i32.const 8) (local.get $stream)))

  (func (export "fd_close") (param $fd i32) (result i32)
    (if (i32.eqz (call $stream (local.get $fd))) (then (return (i32.const 8))))
    (call $set_stream (local.get $fd) (i32.const 0))
    (i32.const 0))

  ;; `to` becomes what `fd` was, and `fd` is closed. Both must be open.
  (func (export "fd_renumber") (param $fd i32) (param $to i32) (result i32)
    (local $stream i32)
    (local.set $stream (call $stream (local.get $fd)))
    (if (i32.eqz (local.get $stream)) (then (return (i32.const 8))))
    (if (i32.eqz (call $stream (local.get $to))) (then (return (i32.const 8))))
    (call $set_stream (local.get $fd) (i32.const 0))
    (call $set_stream (local.get $to) (local.get $stream))
    (i32.const 0))

  ;; fdstat, 24 bytes: filetype u8 at 0, flags u16 at 2, rights u64 at 8, inheriting rights u64 at 16.
  (func (export "fd_fdstat_get") (param $fd i32) (param $stat i32) (result i32)
    (local $stream i32)
    (local.set $stream (call $stream (local.get $fd)))
    (if (i32.eqz (local.get $stream)) (then (return (i32.const 8))))
    (i64.store (local.get $stat) (call $filetype (local.get $stream)))
    (i64.store offset=8 (local.get $stat)
      (select
        ;; fd_read, fd_seek, fd_tell, fd_advise, fd_filestat_get, poll_fd_readwrite
        (i64.const 0x82000a6)
        ;; fd_write, fd_filestat_get, poll_fd_readwrite
        (i64.const 0x8200040)
        (i32.eq (local.get $stream) (i32.const 1))))
    (i64.store offset=16 (local.get $stat) (i64.const 0))
    (i32.const 0))

  ;; 4, regular file, for the input; 0, unknown, for pipes.
  (func $filetype (param $stream i32) (result i64)
    (select (i64.const 4) (i64.const 0) (i32.eq (local.get $stream) (i32.const 1))))

  ;; No flag can be set; that none is set already is the only request that is met.
  (func (export "fd_fdstat_set_flags") (param $fd i32) (param $flags i32) (result i32)
    (call $refuse (local.get $fd) (select (i32.const 58) (i32.const 0) (local.get $flags))))

  (func (export "fd_fdstat_set_rights") (param $fd i32) (param $base i64) (param $inheriting i64) (result i32)
    (call $refuse (local.get $fd) (i32.const 58)))

  ;; filestat, 64 bytes: device u64 at 0, inode u64 at 8, filetype u8 at 16, links u64 at 24, size u64 at 32, times of
  ;; access, modification and change u64 at 40, 48 and 56. The inode is the stream's number, so that streams differ.
  (func (export "fd_filestat_get") (param $fd i32) (param $stat i32) (result i32)
    (local $stream i32)
    (local.set $stream (call $stream (local.get $fd)))
    (if (i32.eqz (local.get $stream)) (then (return (i32.const 8))))
    (i64.store (local.get $stat) (i64.const 0))
    (i64.store offset=8 (local.get $stat) (i64.extend_i32_u (local.get $stream)))
    (i64.store offset=16 (local.get $stat) (call $filetype (local.get $stream)))
    (i64.store offset=24 (local.get $stat) (i64.const 1))
    (i64.store offset=32 (local.get $stat) (i64.const 0))
    (if (i32.eq (local.get $stream) (i32.const 1))
      (then (i64.store offset=32 (local.get $stat) (call $input_size))))
    (i64.store offset=40 (local.get $stat) (call $now))
    (i64.store offset=48 (local.get $stat) (call $now))
    (i64.store offset=56 (local.get $stat) (call $now))
    (i32.const 0))

  (func (export "fd_filestat_set_size") (param $fd i32) (param $size i64) (result i32)
    (call $refuse (local.get $fd) (i32.const 58)))

  (func (export "fd_filestat_set_times")
    (param $fd i32) (param $access i64) (param $modification i64) (param $flags i32) (result i32)
    (call $refuse (local.get $fd) (i32.const 58)))

  ;; Advice may be ignored; there are six kinds of it.
  (func (export "fd_advise") (param $fd i32) (param $offset i64) (param $len i64) (param $advice i32) (result i32)
    (call $seekable (local.get $fd)
      (select (i32.const 28) (i32.const 0) (i32.gt_u (local.get $advice) (i32.const 5)))))

  (func (export "fd_allocate") (param $fd i32) (param $offset i64) (param $len i64) (result i32)
    (call $refuse (local.get $fd) (i32.const 58)))

  ;; The input has nothing to flush; a pipe cannot be flushed (inval, as fsync of a pipe says).
  (func $sync (param $fd i32) (result i32)
    (local $stream i32)
    (local.set $stream (call $stream (local.get $fd)))
    (if (i32.eq (local.get $stream) (i32.const 1)) (then (return (i32.const 0))))
    (select (i32.const 28) (i32.const 8) (local.get $stream)))

  (func (export "fd_sync") (param $fd i32) (result i32)
    (call $sync (local.get $fd)))

  (func (export "fd_datasync") (param $fd i32) (result i32)
    (call $sync (local.get $fd)))

  ;; No descriptor is a preopened directory.
  (func (export "fd_prestat_get") (param $fd i32) (param $prestat i32) (result i32)
    (i32.const 8))

  (func (export "fd_prestat_dir_name") (param $fd i32) (param $path i32) (param $len i32) (result i32)
    (i32.const 8))

  (func (export "fd_readdir")
    (param $fd i32) (param $buffer i32) (param $len i32) (param $cookie i64) (param $used i32) (result i32)
    (call $refuse (local.get $fd) (i32.const 54)))

  ;; ----------------------------------------------------------------------------------------- reading and writing

  ;; How many bytes of the input lie at or behind `offset`, an unsigned number.
  (func $remaining (param $offset i64) (result i64)
    (local $size i64)
    (local.set $size (call $input_size))
    (if (result i64) (i64.lt_u (local.get $offset) (local.get $size))
      (then (i64.sub (local.get $size) (local.get $offset)))
      (else (i64.const 0))))

  ;; Fills the vectors in turn with input from `offset` on; returns how many bytes were read, at most 2^32 - 1.
  ;; A vector is 8 bytes: address u32, length u32. The host is never asked for more than there is: it would be charged.
  (func $read (param $vectors i32) (param $count i32) (param $offset i64) (result i32)
    (local $length i32) (local $total i32) (local $left i64)
    (local.set $left (call $remaining (local.get $offset)))
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $count)))
        (local.set $length (i32.load offset=4 (local.get $vectors)))
        (if (i64.gt_u (i64.extend_i32_u (local.get $length)) (local.get $left))
          (then (local.set $length (i32.wrap_i64 (local.get $left)))))
        ;; The count of bytes must fit 32 bits: a shorter read is always allowed.
        (br_if $done
          (i32.gt_u (local.get $length) (i32.xor (local.get $total) (i32.const -1))))
        (if (local.get $length)
          (then
            (local.set $length
              (call $input_read (i32.load (local.get $vectors)) (local.get $offset) (local.get $length)))
            (local.set $total (i32.add (local.get $total) (local.get $length)))
            (local.set $offset (i64.add (local.get $offset) (i64.extend_i32_u (local.get $length))))
            (local.set $left (i64.sub (local.get $left) (i64.extend_i32_u (local.get $length))))))
        (br_if $done (i64.eqz (local.get $left)))
        (local.set $vectors (i32.add (local.get $vectors) (i32.const 8)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br $next)))
    (local.get $total))

  (func (export "fd_read") (param $fd i32) (param $vectors i32) (param $count i32) (param $read i32) (result i32)
    (local $total i32)
    (if (i32.ne (call $stream (local.get $fd)) (i32.const 1)) (then (return (i32.const 8))))
    (local.set $total (call $read (local.get $vectors) (local.get $count) (global.get $position)))
    (global.set $position (i64.add (global.get $position) (i64.extend_i32_u (local.get $total))))
    (i32.store (local.get $read) (local.get $total))
    (i32.const 0))

  (func (export "fd_pread")
    (param $fd i32) (param $vectors i32) (param $count i32) (param $offset i64) (param $read i32) (result i32)
    (local $errno i32)
    (local.set $errno (call $seekable (local.get $fd) (i32.const 0)))
    (if (local.get $errno) (then (return (local.get $errno))))
    (i32.store (local.get $read) (call $read (local.get $vectors) (local.get $count) (local.get $offset)))
    (i32.const 0))

  ;; Bytes for stderr are counted and not looked at.
  (func (export "fd_write") (param $fd i32) (param $vectors i32) (param $count i32) (param $written i32) (result i32)
    (local $stream i32) (local $length i32) (local $total i32)
    (local.set $stream (call $stream (local.get $fd)))
    (if (i32.lt_u (local.get $stream) (i32.const 2)) (then (return (i32.const 8))))
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $count)))
        (local.set $length (i32.load offset=4 (local.get $vectors)))
        ;; The count of bytes must fit 32 bits: a shorter write is always allowed.
        (br_if $done
          (i32.gt_u (local.get $length) (i32.xor (local.get $total) (i32.const -1))))
        (if (i32.and (i32.eq (local.get $stream) (i32.const 2)) (i32.ne (local.get $length) (i32.const 0)))
          (then (call $output_write (i32.load (local.get $vectors)) (local.get $length))))
        (local.set $total (i32.add (local.get $total) (local.get $length)))
        (local.set $vectors (i32.add (local.get $vectors) (i32.const 8)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br $next)))
    (i32.store (local.get $written) (local.get $total))
    (i32.const 0))

  ;; The input cannot be written (badf), and a pipe has no positions.
  (func (export "fd_pwrite")
    (param $fd i32) (param $vectors i32) (param $count i32) (param $offset i64) (param $written i32) (result i32)
    (call $seekable (local.get $fd) (i32.const 8)))

  ;; whence: 0 from the start, 1 from here, 2 from the end. Positions past the end are allowed, negative ones are not.
  (func (export "fd_seek") (param $fd i32) (param $offset i64) (param $whence i32) (param $position i32) (result i32)
    (local $errno i32) (local $base i64) (local $target i64)
    (local.set $errno (call $seekable (local.get $fd) (i32.const 0)))
    (if (local.get $errno) (then (return (local.get $errno))))
    (if (i32.gt_u (local.get $whence) (i32.const 2)) (then (return (i32.const 28))))
    (if (i32.eq (local.get $whence) (i32.const 1)) (then (local.set $base (global.get $position))))
    (if (i32.eq (local.get $whence) (i32.const 2)) (then (local.set $base (call $input_size))))
    ;; The base is not negative, so a sum that is negative was negative or has overflowed.
    (local.set $target (i64.add (local.get $base) (local.get $offset)))
    (if (i64.lt_s (local.get $target) (i64.const 0)) (then (return (i32.const 28))))
    (global.set $position (local.get $target))
    (i64.store (local.get $position) (local.get $target))
    (i32.const 0))

  (func (export "fd_tell") (param $fd i32) (param $position i32) (result i32)
    (local $errno i32)
    (local.set $errno (call $seekable (local.get $fd) (i32.const 0)))
    (if (local.get $errno) (then (return (local.get $errno))))
    (i64.store (local.get $position) (global.get $position))
    (i32.const 0))

  ;; ---------------------------------------------------------------------------------- arguments and environment

  ;; Two words: how many strings, and how many bytes they take. None and none.
  (func $no_strings (param $count i32) (param $bytes i32) (result i32)
    (i32.store (local.get $count) (i32.const 0))
    (i32.store (local.get $bytes) (i32.const 0))
    (i32.const 0))

  (func (export "args_sizes_get") (param $count i32) (param $bytes i32) (result i32)
    (call $no_strings (local.get $count) (local.get $bytes)))

  (func (export "environ_sizes_get") (param $count i32) (param $bytes i32) (result i32)
    (call $no_strings (local.get $count) (local.get $bytes)))

  ;; Nothing is written: there are no strings and no pointers to them.
  (func (export "args_get") (param $pointers i32) (param $bytes i32) (result i32)
    (i32.const 0))

  (func (export "environ_get") (param $pointers i32) (param $bytes i32) (result i32)
    (i32.const 0))

  ;; -------------------------------------------------------------------------------------------- clocks, random

  ;; 2024-01-01T00:00:00Z in nanoseconds since 1970.
  (func $now (result i64)
    (i64.const 1704067200000000000))

  ;; Clocks: 0 realtime, 1 monotonic, 2 process time, 3 thread time.
  (func (export "clock_res_get") (param $clock i32) (param $resolution i32) (result i32)
    (if (i32.gt_u (local.get $clock) (i32.const 3)) (then (return (i32.const 28))))
    (i64.store (local.get $resolution) (i64.const 1))
    (i32.const 0))

  (func (export "clock_time_get") (param $clock i32) (param $precision i64) (param $time i32) (result i32)
    (if (i32.gt_u (local.get $clock) (i32.const 3)) (then (return (i32.const 28))))
    (i64.store (local.get $time) (call $now))
    (i32.const 0))

  ;; The next word of SplitMix64 (Steele, Lea and Flood 2014).
  (func $random_word (result i64)
    (local $word i64)
    (local.set $word (i64.add (global.get $random) (i64.const 0x9e3779b97f4a7c15)))
    (global.set $random (local.get $word))
    (local.set $word
      (i64.mul
        (i64.xor (local.get $word) (i64.shr_u (local.get $word) (i64.const 30)))
        (i64.const 0xbf58476d1ce4e5b9)))
    (local.set $word
      (i64.mul
        (i64.xor (local.get $word) (i64.shr_u (local.get $word) (i64.const 27)))
        (i64.const 0x94d049bb133111eb)))
    (i64.xor (local.get $word) (i64.shr_u (local.get $word) (i64.const 31))))

  ;; Whole words first; a last one gives its low bytes, and its other bytes are lost.
  (func (export "random_get") (param $buffer i32) (param $len i32) (result i32)
    (local $word i64)
    (block $tail
      (loop $words
        (br_if $tail (i32.lt_u (local.get $len) (i32.const 8)))
        (i64.store (local.get $buffer) (call $random_word))
        (local.set $buffer (i32.add (local.get $buffer) (i32.const 8)))
        (local.set $len (i32.sub (local.get $len) (i32.const 8)))
        (br $words)))
    (if (i32.eqz (local.get $len)) (then (return (i32.const 0))))
    (local.set $word (call $random_word))
    (loop $bytes
      (i64.store8 (local.get $buffer) (local.get $word))
      (local.set $word (i64.shr_u (local.get $word) (i64.const 8)))
      (local.set $buffer (i32.add (local.get $buffer) (i32.const 1)))
      (local.set $len (i32.sub (local.get $len) (i32.const 1)))
      (br_if $bytes (local.get $len)))
    (i32.const 0))

  ;; ------------------------------------------------------------------------------------------------------- poll

  ;; Every subscription becomes one event at once, in order.
  ;;
  ;; subscription, 48 bytes: userdata u64 at 0, kind u8 at 8 (0 clock, 1 read, 2 write), clock or descriptor u32 at 16
  ;; event, 32 bytes: userdata u64 at 0, errno u16 at 8, kind u8 at 10, bytes u64 at 16, flags u16 at 24
  (func (export "poll_oneoff")
    (param $subscriptions i32) (param $events i32) (param $count i32) (param $stored i32) (result i32)
    (local $left i32) (local $kind i32) (local $subject i32) (local $errno i32) (local $bytes i64)
    (if (i32.eqz (local.get $count)) (then (return (i32.const 28))))
    (local.set $left (local.get $count))
    (loop $next
      (local.set $kind (i32.load8_u offset=8 (local.get $subscriptions)))
      (if (i32.gt_u (local.get $kind) (i32.const 2)) (then (return (i32.const 28))))
      (local.set $subject (i32.load offset=16 (local.get $subscriptions)))
      (local.set $errno (i32.const 0))
      (local.set $bytes (i64.const 0))
      (block $due
        (if (i32.eqz (local.get $kind))
          (then
            (br_if $due (i32.le_u (local.get $subject) (i32.const 3)))
            (local.set $errno (i32.const 28))
            (br $due)))
        (local.set $subject (call $stream (local.get $subject)))
        (if (i32.eq (local.get $kind) (i32.const 1))
          (then
            (if (i32.eq (local.get $subject) (i32.const 1))
              (then
                (local.set $bytes (call $remaining (global.get $position)))
                (br $due))))
          (else
            (if (i32.ge_u (local.get $subject) (i32.const 2))
              (then
                ;; A pipe takes as much as one write can carry.
                (local.set $bytes (i64.const 0xffffffff))
                (br $due)))))
        (local.set $errno (i32.const 8)))
      (i64.store (local.get $events) (i64.load (local.get $subscriptions)))
      (i64.store offset=8 (local.get $events)
        (i64.extend_i32_u (i32.or (local.get $errno) (i32.shl (local.get $kind) (i32.const 16)))))
      (i64.store offset=16 (local.get $events) (local.get $bytes))
      (i64.store offset=24 (local.get $events) (i64.const 0))
      (local.set $subscriptions (i32.add (local.get $subscriptions) (i32.const 48)))
      (local.set $events (i32.add (local.get $events) (i32.const 32)))
      (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (br_if $next (local.get $left)))
    (i32.store (local.get $stored) (local.get $count))
    (i32.const 0))

  ;; ---------------------------------------------------------------------------------------------------- process

  (func (export "proc_exit") (param $code i32)
    (call $exit (local.get $code))
    ;; The host does not come back.
    (unreachable))

  ;; There are no signals.
  (func (export "proc_raise") (param $signal i32) (result i32)
    (i32.const 58))

  ;; There is no one to yield to, so yielding is done.
  (func (export "sched_yield") (result i32)
    (i32.const 0))

  ;; ------------------------------------------------------------------------------------------------------ paths

  ;; Each call names a directory by descriptor. None is one: notdir for what is open, badf for the rest.

  (func (export "path_create_directory") (param $fd i32) (param $path i32) (param $len i32) (result i32)
    (call $refuse (local.get $fd) (i32.const 54)))

  (func (export "path_filestat_get")
    (param $fd i32) (param $flags i32) (param $path i32) (param $len i32) (param $stat i32) (result i32)
    (call $refuse (local.get $fd) (i32.const 54)))

  (func (export "path_filestat_set_times")
    (param $fd i32) (param $lookup i32) (param $path i32) (param $len i32)
    (param $access i64) (param $modification i64) (param $flags i32) (result i32)
    (call $refuse (local.get $fd) (i32.const 54)))

  (func (export "path_link")
    (param $fd i32) (param $lookup i32) (param $path i32) (param $len i32)
    (param $new_fd i32) (param $new_path i32) (param $new_len i32) (result i32)
    (call $refuse (local.get $fd) (i32.const 54)))

  (func (export "path_open")
    (param $fd i32) (param $lookup i32) (param $path i32) (param $len i32) (param $open_flags i32)
    (param $base i64) (param $inheriting i64) (param $flags i32) (param $opened i32) (result i32)
    (call $refuse (local.get $fd) (i32.const 54)))

  (func (export "path_readlink")
    (param $fd i32) (param $path i32) (param $len i32) (param $buffer i32) (param $buffer_len i32) (param $used i32)
    (result i32)
    (call $refuse (local.get $fd) (i32.const 54)))

  (func (export "path_remove_directory") (param $fd i32) (param $path i32) (param $len i32) (result i32)
    (call $refuse (local.get $fd) (i32.const 54)))

  (func (export "path_rename")
    (param $fd i32) (param $path i32) (param $len i32) (param $new_fd i32) (param $new_path i32) (param $new_len i32)
    (result i32)
    (call $refuse (local.get $fd) (i32.const 54)))

  (func (export "path_symlink")
    (param $old_path i32) (param $old_len i32) (param $fd i32) (param $new_path i32) (param $new_len i32) (result i32)
    (call $refuse (local.get $fd) (i32.const 54)))

  (func (export "path_unlink_file") (param $fd i32) (param $path i32) (param $len i32) (result i32)
    (call $refuse (local.get $fd) (i32.const 54)))

  ;; ---------------------------------------------------------------------------------------------------- sockets

  (func (export "sock_accept") (param $fd i32) (param $flags i32) (param $accepted i32) (result i32)
    (call $refuse (local.get $fd) (i32.const 57)))

  (func (export "sock_recv")
    (param $fd i32) (param $vectors i32) (param $count i32) (param $flags i32) (param $received i32)
    (param $received_flags i32) (result i32)
    (call $refuse (local.get $fd) (i32.const 57)))

  (func (export "sock_send")
    (param $fd i32) (param $vectors i32) (param $count i32) (param $flags i32) (param $sent i32) (result i32)
    (call $refuse (local.get $fd) (i32.const 57)))

  (func (export "sock_shutdown") (param $fd i32) (param $how i32) (result i32)
    (call $refuse (local.get $fd) (i32.const 57)))
)
