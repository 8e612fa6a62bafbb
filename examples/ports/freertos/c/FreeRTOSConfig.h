/* The kernel's configuration. What the port relies on is marked [port]. */
#pragma once
#include <stdint.h>

extern void rust_assert(const char *file, uint32_t line);
#define configASSERT(x) do { if (!(x)) rust_assert(__FILE__, __LINE__); } while (0)

#define configCPU_CLOCK_HZ 12500000UL
#define configTICK_RATE_HZ 1000
#define configTICK_TYPE_WIDTH_IN_BITS TICK_TYPE_WIDTH_32_BITS /* [port] */
/* 200 ticks before the counter wraps, so that the checks run across it. Yours is 0. */
#define configINITIAL_TICK_COUNT 0xFFFFFF38UL

#define configUSE_PREEMPTION 1
#define configUSE_TIME_SLICING 1
#define configMAX_PRIORITIES 5
#define configMINIMAL_STACK_SIZE 128
#define configTOTAL_HEAP_SIZE (24 * 1024)
#define configSUPPORT_STATIC_ALLOCATION 0
#define configSUPPORT_DYNAMIC_ALLOCATION 1
#define configMAX_TASK_NAME_LEN 8
#define configCHECK_FOR_STACK_OVERFLOW 2
#define configUSE_IDLE_HOOK 0
#define configUSE_TICK_HOOK 1 /* the firmware's: one of its interrupt handlers */
#define configUSE_MUTEXES 0
#define configUSE_TIMERS 0
#define configUSE_TASK_NOTIFICATIONS 1 /* [port] */
#define configTASK_NOTIFICATION_ARRAY_ENTRIES 2 /* [port] one for parking, and the first for whatever else */

#define INCLUDE_vTaskDelay 1
#define INCLUDE_vTaskSuspend 1 /* [port] waiting for portMAX_DELAY is for ever */
#define INCLUDE_xTaskGetCurrentTaskHandle 1 /* [port] */
#define INCLUDE_uxTaskPriorityGet 1

#define configPRIO_BITS 3
#define configKERNEL_INTERRUPT_PRIORITY (7 << 5)
#define configMAX_SYSCALL_INTERRUPT_PRIORITY (2 << 5) /* [port] as MAX_SYSCALL_PRIORITY in src/port.rs */

/* cortex-m-rt's names for the three handlers. */
#define vPortSVCHandler SVCall
#define xPortPendSVHandler PendSV
#define xPortSysTickHandler SysTick
