/* Entry and system calls for programs without a libc (System V ABI, AMD64 supplement, 3.4.1 and A.2.1). */

.text
.globl _start
_start:
  mov %rsp, %rdi
  and $-16, %rsp
  call start
  hlt

/* long system_call(long number, long a, long b, long c, long d, long e) */
.globl system_call
system_call:
  mov %rdi, %rax
  mov %rsi, %rdi
  mov %rdx, %rsi
  mov %rcx, %rdx
  mov %r8, %r10
  mov %r9, %r8
  syscall
  ret

.section .note.GNU-stack,"",@progbits
