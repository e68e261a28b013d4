(module
  (import "assay" "input_read" (func $input_read (param i32 i64 i32) (result i32)))
  (import "assay" "output_write" (func $output_write (param i32 i32)))
  (memory 1)
  ;; The sum of the first n bytes of memory, n at least 1.
  (func $sum (param $n i32) (result i32) (local $i i32) (local $sum i32)
    (loop $next
      (local.set $sum (i32.add (local.get $sum) (i32.load8_u (local.get $i))))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n))))
    (local.get $sum))
  (func (export "_start")
    (i32.store (i32.const 1024) (call $sum (call $input_read (i32.const 0) (i64.const 0) (i32.const 100))))
    (call $output_write (i32.const 1024) (i32.const 4))))
