;; sock_accept_v2 with argument words that no C program passes: the whole 32-bit word counts, unsigned.
;; Prints a line per check, "name: ok" or "name: wrong"; exits with 1 when one was wrong.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_fdstat_set_flags" (func $set_flags (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (import "wasix_32v1" "sock_open" (func $sock_open (param i32 i32 i32 i32) (result i32)))
  (import "wasix_32v1" "sock_bind" (func $sock_bind (param i32 i32) (result i32)))
  (import "wasix_32v1" "sock_listen" (func $sock_listen (param i32 i32) (result i32)))
  (import "wasix_32v1" "sock_addr_local" (func $sock_addr_local (param i32 i32) (result i32)))
  (import "wasix_32v1" "sock_connect" (func $sock_connect (param i32 i32) (result i32)))
  (import "wasix_32v1" "sock_accept_v2" (func $sock_accept_v2 (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)

  ;; 1024 iovec   1032 byte count   1040 listener   1044 caller   1048 accepted   1056 address (110 bytes)
  (data (i32.const 16) ": ok\n: wrong\n")
  (data (i32.const 64) "flags 0x10000")
  (data (i32.const 96) "flags 0xffffffff")
  (data (i32.const 128) "descriptor 0xffffffff")
  (data (i32.const 160) "descriptor 0x80000000")
  (data (i32.const 192) "ro_fd 0xfffffffd")
  (data (i32.const 224) "ro_addr 0xffffffff")
  (data (i32.const 256) "the caller still waits, ro_fd unaligned")
  (data (i32.const 320) "nobody waits then")
  (data (i32.const 1056) "\01\00\00\00\7f\00\00\01") ;; IPv4, port 0, 127.0.0.1

  (global $listener (mut i32) (i32.const 0))
  (global $wrong (mut i32) (i32.const 0))

  (func $must (param $errno i32)
    (if (local.get $errno) (then (call $proc_exit (i32.const 3)))))

  (func $print (param $text i32) (param $size i32)
    (i32.store (i32.const 1024) (local.get $text))
    (i32.store (i32.const 1028) (local.get $size))
    (call $must (call $fd_write (i32.const 1) (i32.const 1024) (i32.const 1) (i32.const 1032))))

  (func $check (param $name i32) (param $size i32) (param $errno i32) (param $expected i32)
    (call $print (local.get $name) (local.get $size))
    (if (i32.eq (local.get $errno) (local.get $expected))
      (then (call $print (i32.const 16) (i32.const 5)))
      (else
        (call $print (i32.const 21) (i32.const 8))
        (global.set $wrong (i32.const 1)))))

  (func (export "_start")
    (call $must (call $sock_open (i32.const 1) (i32.const 1) (i32.const 6) (i32.const 1040)))
    (global.set $listener (i32.load (i32.const 1040)))
    (call $must (call $sock_bind (global.get $listener) (i32.const 1056)))
    (call $must (call $sock_listen (global.get $listener) (i32.const 4)))
    (call $must (call $sock_addr_local (global.get $listener) (i32.const 1056)))
    (call $must (call $sock_open (i32.const 1) (i32.const 1) (i32.const 6) (i32.const 1044)))
    (call $must (call $sock_connect (i32.load (i32.const 1044)) (i32.const 1056)))
    ;; If a wrong call takes the caller, the next ones must not block.
    (call $must (call $set_flags (global.get $listener) (i32.const 4)))

    (call $check (i32.const 64) (i32.const 13)
      (call $sock_accept_v2 (global.get $listener) (i32.const 0x10000) (i32.const 1048) (i32.const 1056))
      (i32.const 28)) ;; INVAL
    (call $check (i32.const 96) (i32.const 16)
      (call $sock_accept_v2 (global.get $listener) (i32.const -1) (i32.const 1048) (i32.const 1056))
      (i32.const 28))
    (call $check (i32.const 128) (i32.const 21)
      (call $sock_accept_v2 (i32.const -1) (i32.const 0) (i32.const 1048) (i32.const 1056))
      (i32.const 8)) ;; BADF
    (call $check (i32.const 160) (i32.const 21)
      (call $sock_accept_v2 (i32.const 0x80000000) (i32.const 0) (i32.const 1048) (i32.const 1056))
      (i32.const 8))
    (call $check (i32.const 192) (i32.const 16)
      (call $sock_accept_v2 (global.get $listener) (i32.const 0) (i32.const -3) (i32.const 1056))
      (i32.const 21)) ;; FAULT
    (call $check (i32.const 224) (i32.const 18)
      (call $sock_accept_v2 (global.get $listener) (i32.const 0) (i32.const 1048) (i32.const -1))
      (i32.const 21))
    (call $check (i32.const 256) (i32.const 39)
      (call $sock_accept_v2 (global.get $listener) (i32.const 0) (i32.const 1049) (i32.const 1056))
      (i32.const 0))
    (call $check (i32.const 320) (i32.const 17)
      (call $sock_accept_v2 (global.get $listener) (i32.const 0) (i32.const 1048) (i32.const 1056))
      (i32.const 6)) ;; AGAIN
    (if (global.get $wrong) (then (call $proc_exit (i32.const 1))))))
