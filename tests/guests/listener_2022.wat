;; A listener of the 2022 ABI: every function comes from wasix_32v1, the memory is shared and comes from the host,
;; addresses are 20 bytes, ports are big-endian in both directions, sock_accept has four parameters.
;;
;; Prints "listening on PORT" (any free one on 127.0.0.1), accepts one caller, prints "peer 127.0.0.1:PORT", sends it
;; "hello" and a newline, and exits with 0; with 1 when a call failed, with 2 when a byte beyond the 20 was written.
(module
  (import "wasix_32v1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasix_32v1" "fd_close" (func $fd_close (param i32) (result i32)))
  (import "wasix_32v1" "proc_exit" (func $proc_exit (param i32)))
  (import "wasix_32v1" "sock_open" (func $sock_open (param i32 i32 i32 i32) (result i32)))
  (import "wasix_32v1" "sock_bind" (func $sock_bind (param i32 i32) (result i32)))
  (import "wasix_32v1" "sock_listen" (func $sock_listen (param i32 i32) (result i32)))
  (import "wasix_32v1" "sock_addr_local" (func $sock_addr_local (param i32 i32) (result i32)))
  (import "wasix_32v1" "sock_accept" (func $sock_accept (param i32 i32 i32 i32) (result i32)))
  (import "wasix_32v1" "sock_send" (func $sock_send (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "memory" (memory 2 65536 shared))

  ;; 1024 iovec   1032 byte count   1040 listener   1044 accepted   1056 address, guarded up to 1216   1280 digits
  (data (i32.const 16) "listening on ")
  (data (i32.const 32) "peer 127.0.0.1:")
  (data (i32.const 48) "\nhello\n")
  (data (i32.const 1056) "\01\00\00\00\7f\00\00\01") ;; IPv4, port 0, 127.0.0.1

  (func $must (param $errno i32)
    (if (local.get $errno) (then (call $proc_exit (i32.const 1)))))

  (func $print (param $text i32) (param $size i32)
    (i32.store (i32.const 1024) (local.get $text))
    (i32.store (i32.const 1028) (local.get $size))
    (call $must (call $fd_write (i32.const 1) (i32.const 1024) (i32.const 1) (i32.const 1032))))

  ;; The big-endian port of the address at 1056, in decimal, and a newline.
  (func $print_port (local $number i32) (local $at i32)
    (local.set $number
      (i32.or (i32.shl (i32.load8_u (i32.const 1058)) (i32.const 8)) (i32.load8_u (i32.const 1059))))
    (local.set $at (i32.const 1290))
    (loop $digit
      (local.set $at (i32.sub (local.get $at) (i32.const 1)))
      (i32.store8 (local.get $at) (i32.add (i32.const 48) (i32.rem_u (local.get $number) (i32.const 10))))
      (local.set $number (i32.div_u (local.get $number) (i32.const 10)))
      (br_if $digit (local.get $number)))
    (call $print (local.get $at) (i32.sub (i32.const 1290) (local.get $at)))
    (call $print (i32.const 48) (i32.const 1)))

  ;; Fills 1056..1216 with 0xAA, so that what the host writes shows.
  (func $guard
    (memory.fill (i32.const 1056) (i32.const 0xAA) (i32.const 160)))

  (func $check_guard (local $at i32)
    (local.set $at (i32.const 1076)) ;; 1056 + 20
    (loop $byte
      (if (i32.ne (i32.load8_u (local.get $at)) (i32.const 0xAA)) (then (call $proc_exit (i32.const 2))))
      (br_if $byte (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 1))) (i32.const 1216)))))

  (func (export "_start")
    (call $must (call $sock_open (i32.const 1) (i32.const 1) (i32.const 6) (i32.const 1040)))
    (call $must (call $sock_bind (i32.load (i32.const 1040)) (i32.const 1056)))
    (call $must (call $sock_listen (i32.load (i32.const 1040)) (i32.const 16)))
    (call $guard)
    (call $must (call $sock_addr_local (i32.load (i32.const 1040)) (i32.const 1056)))
    (call $check_guard)
    (call $print (i32.const 16) (i32.const 13))
    (call $print_port)

    (call $guard)
    (call $must
      (call $sock_accept (i32.load (i32.const 1040)) (i32.const 0) (i32.const 1044) (i32.const 1056)))
    (call $check_guard)
    (if (i32.ne (i32.load (i32.const 1060)) (i32.const 0x0100007f)) (then (call $proc_exit (i32.const 2))))
    (call $print (i32.const 32) (i32.const 15))
    (call $print_port)

    (i32.store (i32.const 1024) (i32.const 49))
    (i32.store (i32.const 1028) (i32.const 6))
    (call $must
      (call $sock_send (i32.load (i32.const 1044)) (i32.const 1024) (i32.const 1) (i32.const 0) (i32.const 1032)))
    (call $must (call $fd_close (i32.load (i32.const 1044))))
    (call $must (call $fd_close (i32.load (i32.const 1040)))))

  ;; 2022 programs came with these exports; they (and nothing in the types) tell the byte order of ports.
  (func (export "asyncify_start_unwind") (param i32))
  (func (export "asyncify_stop_unwind"))
  (func (export "asyncify_start_rewind") (param i32))
  (func (export "asyncify_stop_rewind")))
