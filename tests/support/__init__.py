"""What tests share: small studies, odd files, plain re-implementations."""
