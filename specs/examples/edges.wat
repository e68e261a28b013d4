(module
  (global $last (mut i32) (i32.const 0))
  ;; A table of jumps whose targets carry a value; two of them share a stub.
  (func $switch (param $x i32) (result i32)
    (block $b (result i32)
      (block $a (result i32)
        (br_table $a $b $a (i32.const 10) (local.get $x)))
      (i32.add (i32.const 1))))
  ;; A conditional branch that moves a value, an alias that outlives its local, an if with two arms.
  (func $branch (param $x i32) (result i32)
    (block $out (result i32)
      (local.get $x)
      (local.set $x (i32.const -7))
      (br_if $out (i32.gt_s (i32.const 5) (local.get $x)))
      (global.set $last)
      (if (result i32) (i32.eqz (local.get $x)) (then (i32.const 2)) (else (global.get $last)))))
  ;; Results that change places with parameters.
  (func $swap (param i32 i32) (result i32 i32) (local.get 1) (local.get 0))
  (func (export "_start")))
