/*
 * row_receiver.h
 *	  A DestReceiver that calls a function for each row.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_ROW_RECEIVER_H
#define CMIG_ROW_RECEIVER_H

#include "postgres.h"
#include "tcop/dest.h"

/* A callback for a query's rows.  Returns false to stop the query. */
typedef bool (*CmigRowReceiver) (TupleTableSlot *slot, DestReceiver *self);

/*
 * Initialize a receiver, which is usually the first field of a larger struct.
 * The receiver's startup and shutdown functions do nothing.
 */
extern void cmig_row_receiver_init(DestReceiver *receiver, CmigRowReceiver row);

#endif							/* CMIG_ROW_RECEIVER_H */
